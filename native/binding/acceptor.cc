// Connections of a listening descriptor as events of the loop.
#include <errno.h>
#include <node_api.h>
#include <stdlib.h>
#include <uv.h>

#include "binding/binding.h"
#include "binding/endpoint.h"
#include "posix/socket.h"

namespace prefork {

namespace {

// As many as Tornado accepts before it lets others have a turn (its default backlog).
constexpr int kAcceptsPerTurn = 128;

// A listening descriptor that the event loop watches, from accept_start to accept_stop or the end
// of the environment, whichever comes first. libuv owns the memory until the handle has closed.
struct Acceptor {
  uv_poll_t poll;
  int fd;
  napi_env env;
  napi_ref callback;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  bool stopped;
};

void release(uv_handle_t* handle) {
  auto* acceptor = static_cast<Acceptor*>(handle->data);
  Napi::HandleScope scope(acceptor->env);
  napi_delete_reference(acceptor->env, acceptor->callback);
  napi_async_destroy(acceptor->env, acceptor->context);
  napi_remove_async_cleanup_hook(acceptor->cleanup);
  free(acceptor);
}

void stop(Acceptor* acceptor) {
  if (acceptor->stopped) return;
  acceptor->stopped = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&acceptor->poll), release);
}

// A worker thread that ends, or process.exit(): libuv insists that its handles are closed first.
void stop_with_environment(napi_async_cleanup_hook_handle, void* acceptor) {
  stop(static_cast<Acceptor*>(acceptor));
}

// What a callback throws is an uncaught exception, as with any event of Node's own.
void report_exception(napi_env env) {
  napi_value error;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

// callback(fd, peer) or callback(-errno). napi_make_callback runs the ticks and promises that the
// callback leaves behind before it returns, so each connection is an event of its own.
void tell(Acceptor* acceptor, int connection, const Endpoint* peer) {
  const Napi::Env env(acceptor->env);
  Napi::HandleScope scope(env);
  napi_value callback;
  napi_get_reference_value(env, acceptor->callback, &callback);
  const napi_value arguments[] = {number(env, connection),
                                  peer ? describe_endpoint(env, *peer) : env.Undefined()};

  const napi_status status =
      napi_make_callback(env, acceptor->context, env.Global(), callback, 2, arguments, nullptr);
  if (status == napi_pending_exception) report_exception(env);
}

// One connection. False ends the turn.
bool accept_one(Acceptor* acceptor) {
  Endpoint peer;
  const int connection = accept_from(acceptor->fd, &peer);
  if (connection == -EAGAIN) return false;
  if (concerns_one_connection(connection)) return true;

  tell(acceptor, connection, connection < 0 ? nullptr : &peer);
  return connection >= 0 && !acceptor->stopped;
}

void take_turn(uv_poll_t* poll, int status, int) {
  auto* acceptor = static_cast<Acceptor*>(poll->data);
  if (status < 0) return tell(acceptor, status, nullptr);
  for (int i = 0; i < kAcceptsPerTurn && accept_one(acceptor);) i++;
}

// 0 or -errno. A handle that libuv refuses is not the loop's and needs no uv_close: all that can
// be wrong (-EEXIST: the loop watches this descriptor already) is found by uv_poll_init.
int watch(Acceptor* acceptor) {
  uv_loop_t* loop = loop_of(acceptor->env);
  if (loop == nullptr) return -ENOSYS;
  const int error = uv_poll_init(loop, &acceptor->poll, acceptor->fd);
  if (error < 0) return error;

  acceptor->poll.data = acceptor;
  return uv_poll_start(&acceptor->poll, UV_READABLE, take_turn);
}

void connect_callback(Acceptor* acceptor, napi_value callback) {
  const Napi::Env env(acceptor->env);
  napi_create_reference(env, callback, 1, &acceptor->callback);
  napi_async_init(env, nullptr, Napi::String::New(env, "PREFORK_ACCEPT"), &acceptor->context);
  napi_add_async_cleanup_hook(env, stop_with_environment, acceptor, &acceptor->cleanup);
}

}  // namespace

// (fd, callback)
Napi::Value start_accepting(const Napi::CallbackInfo& info) {
  auto* acceptor = static_cast<Acceptor*>(calloc(1, sizeof(Acceptor)));
  if (acceptor == nullptr) return number(info.Env(), -ENOMEM);
  acceptor->env = info.Env();
  acceptor->fd = integer(info[0]);

  const int error = watch(acceptor);
  if (error < 0) {
    free(acceptor);
    return number(info.Env(), error);
  }
  connect_callback(acceptor, info[1]);
  return Napi::External<Acceptor>::New(info.Env(), acceptor);
}

// (acceptor): of no use afterwards.
Napi::Value stop_accepting(const Napi::CallbackInfo& info) {
  stop(info[0].As<Napi::External<Acceptor>>().Data());
  return info.Env().Undefined();
}

// (acceptor, whether)
Napi::Value keep_loop_alive(const Napi::CallbackInfo& info) {
  auto* acceptor = info[0].As<Napi::External<Acceptor>>().Data();
  auto* handle = reinterpret_cast<uv_handle_t*>(&acceptor->poll);
  info[1].As<Napi::Boolean>().Value() ? uv_ref(handle) : uv_unref(handle);
  return info.Env().Undefined();
}

}  // namespace prefork
