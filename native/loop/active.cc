#include "loop/active.h"

#include <string.h>
#include <sys/socket.h>

#include "posix/socket.h"

namespace prefork {

static int descriptor_of(const uv_handle_t* handle) {
  uv_os_fd_t fd = -1;
  return uv_fileno(handle, &fd) == 0 ? fd : -1;
}

static bool is_listening(int fd) {
  int listening = 0;
  socklen_t size = sizeof listening;
  return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 &&
         listening != 0;
}

using EndpointGetter = int (*)(int fd, sockaddr* address, socklen_t* length);

static std::string endpoint_of(int fd, EndpointGetter get) {
  Endpoint endpoint;
  memset(&endpoint, 0, sizeof endpoint);
  endpoint.length = sizeof endpoint.storage;
  if (fd < 0 || get(fd, endpoint.raw(), &endpoint.length) != 0) return std::string();
  char text[kAddressText];
  const int length = endpoint_text(endpoint, text);
  if (length <= 0) return std::string();
  const std::string address(text, length);
  if (endpoint.family() == AF_UNIX) return address;
  const std::string port = ":" + std::to_string(endpoint_port(endpoint));
  return endpoint.family() == AF_INET6 ? "[" + address + "]" + port : address + port;
}

// fs_event and fs_poll have getters of the same form.
template <typename Watcher>
static std::string watched_path(uv_handle_t* handle, int (*get)(Watcher*, char*, size_t*)) {
  char path[4096];
  size_t size = sizeof path;
  if (get(reinterpret_cast<Watcher*>(handle), path, &size) != 0) return std::string();
  return std::string(path, size);
}

static std::string path_of(uv_handle_t* handle) {
  if (handle->type == UV_FS_EVENT) return watched_path(handle, uv_fs_event_getpath);
  if (handle->type == UV_FS_POLL) return watched_path(handle, uv_fs_poll_getpath);
  return std::string();
}

static LoopHandle describe(uv_handle_t* handle) {
  const int fd = descriptor_of(handle);
  const bool is_process = handle->type == UV_PROCESS;
  const bool is_pipe = handle->type == UV_NAMED_PIPE;
  return {
      uv_handle_type_name(handle->type),
      fd,
      is_process ? uv_process_get_pid(reinterpret_cast<uv_process_t*>(handle)) : 0,
      is_listening(fd),
      is_pipe && reinterpret_cast<uv_pipe_t*>(handle)->ipc != 0,
      path_of(handle),
      endpoint_of(fd, getsockname),
      endpoint_of(fd, getpeername),
  };
}

static void collect(uv_handle_t* handle, void* into) {
  if (uv_is_closing(handle)) return;
  // A stream that nobody reads from is not active; it is open all the same.
  if (!uv_is_active(handle) && descriptor_of(handle) < 0) return;
  static_cast<std::vector<LoopHandle>*>(into)->push_back(describe(handle));
}

std::vector<LoopHandle> active_handles(uv_loop_t* loop) {
  std::vector<LoopHandle> found;
  uv_walk(loop, collect, &found);
  return found;
}

}  // namespace prefork
