#include "binding/binding.h"
#include "posix/fork.h"

using namespace prefork;

// The export table: what lib/binding.ts declares, and nothing else.
static Napi::Object init(Napi::Env env, Napi::Object exports) {
  prepare_fork();
  method(exports, "fork", prefork::fork);
  method(exports, "socket_getaddrinfo", resolve_stream_addresses);
  method(exports, "socket_open", open_stream_socket);
  method(exports, "socket_getsockopt", get_socket_option);
  method(exports, "socket_setsockopt", set_socket_option);
  method(exports, "socket_bind_inet", bind_inet_socket);
  method(exports, "socket_bind_unix", bind_unix_socket);
  method(exports, "socket_listen", listen_socket);
  method(exports, "socket_getsockname", socket_name);
  method(exports, "socket_close", close_socket);
  method(exports, "accept_start", start_accepting);
  method(exports, "accept_stop", stop_accepting);
  method(exports, "accept_keep_alive", keep_loop_alive);
  method(exports, "loop_active_requests", count_active_requests);
  method(exports, "loop_active_handles", list_active_handles);
  exports.Set("socket_constants", socket_constants(env));
  return exports;
}

NODE_API_MODULE(prefork, init)
