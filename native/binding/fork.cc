#include "posix/fork.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <uv.h>

#include "binding/binding.h"
#include "binding/environments.h"
#include "loop/fs_watchers.h"
#include "posix/credentials.h"
#include "posix/inotify.h"
#include "posix/requirements.h"

namespace prefork {

Napi::Value fork(const Napi::CallbackInfo& info) {
  ForkOptions options;
  options.inspector_port = info[0].As<Napi::Number>().Int32Value();
  options.renew_read_files = info[1].As<Napi::Boolean>().Value();
  const int result = fork_process(options);
  if (result == 0) tell_other_environments(info.Env());
  return Napi::Number::New(info.Env(), result);
}

Napi::Value what_fork_misses(const Napi::CallbackInfo& info) {
  const char* name = missing_requirement();
  return name == nullptr ? info.Env().Undefined() : Napi::String::New(info.Env(), name);
}

Napi::Value requests_in_flight(const Napi::CallbackInfo& info) {
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(info.Env(), &loop);
  return Napi::Number::New(info.Env(), loop->active_reqs.count);
}

Napi::Value restart_lost_watchers(const Napi::CallbackInfo& info) {
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(info.Env(), &loop);
  return Napi::Number::New(info.Env(), inotify_watches_lost() ? restart_fs_watchers(loop) : 0);
}

Napi::Value share_credentials(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), share_credentials());
}

Napi::Value random_fill(const Napi::CallbackInfo& info) {
  const auto array = info[0].As<Napi::TypedArray>();
  auto* bytes = static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  for (size_t filled = 0; filled < array.ByteLength();) {
    const ssize_t size = getrandom(bytes + filled, array.ByteLength() - filled, 0);
    if (size < 0 && errno != EINTR) abort();  // no randomness, no secrets
    if (size > 0) filled += static_cast<size_t>(size);
  }
  return info.Env().Undefined();
}

}  // namespace prefork
