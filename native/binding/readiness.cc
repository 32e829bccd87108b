// Descriptors that become readable or writable as events of the loop, and several as one.
#include <errno.h>
#include <fcntl.h>
#include <node_api.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "binding/binding.h"
#include "binding/call_from_loop.h"
#include "posix/answer.h"
#include "posix/poll_set.h"
#include "posix/wait.h"

namespace prefork {

namespace {

// From readiness_start to readiness_stop or the end of the environment, whichever comes first.
// libuv owns the memory until the handle has closed.
//
// The loop watches a copy of the descriptor, which is this handle's own: in a quiet child whatever
// the parent's loop has watched is dead, and the descriptor itself is to live.
struct Readiness {
  uv_poll_t poll;
  int copy;
  napi_env env;
  napi_ref callback;
  napi_async_cleanup_hook_handle cleanup;
  bool stopped;
};

Readiness* readiness_of(void* handle) {
  return static_cast<Readiness*>(static_cast<uv_handle_t*>(handle)->data);
}

void release(uv_handle_t* handle) {
  Readiness* readiness = readiness_of(handle);
  Napi::HandleScope scope(readiness->env);
  napi_delete_reference(readiness->env, readiness->callback);
  napi_remove_async_cleanup_hook(readiness->cleanup);
  free(readiness);
}

void stop(Readiness* readiness) {
  if (readiness->stopped) return;
  readiness->stopped = true;
  uv_poll_stop(&readiness->poll);
  close(readiness->copy);
  uv_close(reinterpret_cast<uv_handle_t*>(&readiness->poll), release);
}

void stop_with_environment(napi_async_cleanup_hook_handle, void* readiness) {
  stop(static_cast<Readiness*>(readiness));
}

// An error of the poll is news, too: whoever is called looks, and is told by the kernel.
void on_ready(uv_poll_t* poll, int, int) {
  Readiness* readiness = readiness_of(poll);
  Napi::HandleScope scope(readiness->env);
  call_from_loop(readiness->env, readiness->callback);
}

// 0 or -errno.
int watch(Readiness* readiness, int events) {
  uv_loop_t* loop = loop_of(readiness->env);
  if (loop == nullptr) return -ENOSYS;
  const int error = uv_poll_init(loop, &readiness->poll, readiness->copy);
  if (error < 0) return error;
  readiness->poll.data = readiness;
  return uv_poll_start(&readiness->poll, events, on_ready);
}

}  // namespace

// (fd, whether for writing, callback)
Napi::Value start_readiness(const Napi::CallbackInfo& info) {
  const int copy = answer(fcntl(integer(info[0]), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (copy < 0) return number(info.Env(), copy);
  auto* readiness = static_cast<Readiness*>(calloc(1, sizeof(Readiness)));
  int error = -ENOMEM;
  if (readiness != nullptr) {
    readiness->env = info.Env();
    readiness->copy = copy;
    error = watch(readiness, info[1].As<Napi::Boolean>().Value() ? UV_WRITABLE : UV_READABLE);
  }
  if (error < 0) {
    free(readiness);
    close(copy);
    return number(info.Env(), error);
  }
  napi_create_reference(info.Env(), info[2], 1, &readiness->callback);
  napi_add_async_cleanup_hook(info.Env(), stop_with_environment, readiness, &readiness->cleanup);
  return Napi::External<Readiness>::New(info.Env(), readiness);
}

// (readiness): of no use afterwards.
Napi::Value stop_readiness(const Napi::CallbackInfo& info) {
  stop(info[0].As<Napi::External<Readiness>>().Data());
  return info.Env().Undefined();
}

// (readiness, whether)
Napi::Value keep_alive_for_readiness(const Napi::CallbackInfo& info) {
  auto* readiness = info[0].As<Napi::External<Readiness>>().Data();
  auto* handle = reinterpret_cast<uv_handle_t*>(&readiness->poll);
  info[1].As<Napi::Boolean>().Value() ? uv_ref(handle) : uv_unref(handle);
  return info.Env().Undefined();
}

Napi::Value open_poll_set(const Napi::CallbackInfo& info) {
  return number(info.Env(), open_poll_set());
}

// (set, fd)
Napi::Value add_to_poll_set(const Napi::CallbackInfo& info) {
  return number(info.Env(), add_to_poll_set(integer(info[0]), integer(info[1])));
}

// (set, fd)
Napi::Value remove_from_poll_set(const Napi::CallbackInfo& info) {
  return number(info.Env(), remove_from_poll_set(integer(info[0]), integer(info[1])));
}

// (set, Int32Array that is filled)
Napi::Value readable_in_poll_set(const Napi::CallbackInfo& info) {
  auto fds = info[1].As<Napi::Int32Array>();
  return number(info.Env(),
                readable_in_poll_set(integer(info[0]), fds.Data(), fds.ElementLength()));
}

// (pid)
Napi::Value open_process_descriptor(const Napi::CallbackInfo& info) {
  return number(info.Env(), open_pidfd(integer(info[0])));
}

}  // namespace prefork
