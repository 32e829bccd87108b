// wait(2) as JavaScript sees it: blocking, with signal listeners in between, and as an event.
#include "posix/wait.h"

#include <node_api.h>
#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#include "binding/binding.h"
#include "binding/call_from_loop.h"
#include "loop/child_processes.h"
#include "loop/pid_watch.h"
#include "loop/wait_signals.h"

namespace prefork {

namespace {

uv_loop_t* loop_of(Napi::Env env) {
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  return loop;
}

struct Waits;

// A pending waitpidAsync().
struct Watch {
  PidWatch pid;
  Waits* waits;
  Napi::FunctionReference callback;
  Watch* next;
  Watch* previous;
};

// What one environment (the main thread, a worker thread) has open in its loop.
struct Waits : WaitSignals {
  napi_env env;
  Watch* watches;
  unsigned open_handles;
  napi_async_cleanup_hook_handle cleanup;
  Waits* following;
};

pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
Waits* list = nullptr;

Waits* find(napi_env env) {
  pthread_mutex_lock(&list_lock);
  Waits* waits = list;
  while (waits != nullptr && waits->env != env) waits = waits->following;
  pthread_mutex_unlock(&list_lock);
  return waits;
}

void link(Waits* waits) {
  pthread_mutex_lock(&list_lock);
  waits->following = list;
  list = waits;
  pthread_mutex_unlock(&list_lock);
}

void unlink(Waits* waits) {
  pthread_mutex_lock(&list_lock);
  Waits** place = &list;
  while (*place != waits) place = &(*place)->following;
  *place = waits->following;
  pthread_mutex_unlock(&list_lock);
}

// The environment may go on being torn down when nothing of ours is left in its loop.
void handle_closed(Waits* waits) {
  if (--waits->open_handles > 0) return;
  const napi_async_cleanup_hook_handle cleanup = waits->cleanup;
  free(waits);
  napi_remove_async_cleanup_hook(cleanup);
}

void watch_closed(PidWatch* pid) {
  auto* watch = static_cast<Watch*>(pid->context);
  Waits* waits = watch->waits;
  delete watch;
  handle_closed(waits);
}

void stop_watch(Watch* watch) {
  Waits* waits = watch->waits;
  if (watch->previous != nullptr) watch->previous->next = watch->next;
  if (watch->next != nullptr) watch->next->previous = watch->previous;
  if (waits->watches == watch) waits->watches = watch->next;
  watch->callback.Reset();
  stop_pid_watch(&watch->pid);
}

// The thread ends, in the ordinary way or by terminate() in the middle of a wait.
void clean_up(napi_async_cleanup_hook_handle, void* data) {
  auto* waits = static_cast<Waits*>(data);
  unlink(waits);
  while (waits->watches != nullptr) stop_watch(waits->watches);
  waits->close(
      [](uv_handle_t* handle) { handle_closed(static_cast<Waits*>(WaitSignals::of(handle))); });
}

// This environment's state; nullptr and `error` if it cannot be made.
Waits* waits_of(Napi::Env env, int* error) {
  Waits* waits = find(env);
  if (waits != nullptr) return waits;

  waits = static_cast<Waits*>(calloc(1, sizeof(Waits)));
  *error = -ENOMEM;
  if (waits == nullptr) return nullptr;
  waits->env = env;
  *error = waits->open(loop_of(env), reinterpret_cast<void*>(napi_get_uv_event_loop));
  if (*error != 0) {
    free(waits);
    return nullptr;
  }
  waits->open_handles = 1;
  napi_add_async_cleanup_hook(env, clean_up, waits, &waits->cleanup);
  link(waits);
  return waits;
}

void call_back(PidWatch* pid) {
  auto* watch = static_cast<Watch*>(pid->context);
  const napi_env env = watch->waits->env;
  const Napi::HandleScope scope(env);
  call_from_loop(env, watch->callback);
}

}  // namespace

Napi::Value begin_wait(const Napi::CallbackInfo& info) {
  int error = 0;
  Waits* waits = waits_of(info.Env(), &error);
  return Napi::Number::New(info.Env(), waits == nullptr ? error : waits->begin());
}

Napi::Value end_wait(const Napi::CallbackInfo& info) {
  Waits* waits = find(info.Env());
  if (waits != nullptr) waits->end();
  return info.Env().Undefined();
}

Napi::Value next_signal(const Napi::CallbackInfo& info) {
  Waits* waits = find(info.Env());
  return Napi::Number::New(info.Env(), waits == nullptr ? 0 : waits->next());
}

Napi::Value sleep_until_signal(const Napi::CallbackInfo& info) {
  Waits* waits = find(info.Env());
  if (waits != nullptr) waits->sleep(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

Napi::Value wait_now(const Napi::CallbackInfo& info) {
  const pid_t pid = info[0].As<Napi::Number>().Int32Value();
  const int options = info[1].As<Napi::Number>().Int32Value();
  int* status = info[2].As<Napi::Int32Array>().Data();
  if (pid != -1) return Napi::Number::New(info.Env(), try_wait(pid, options, status, {}));

  const ChildProcesses others(loop_of(info.Env()));
  const long result = others.ok() ? try_wait(pid, options, status, others.pids()) : -ENOMEM;
  return Napi::Number::New(info.Env(), result);
}

Napi::Value note_child_pid(const Napi::CallbackInfo& info) {
  const pid_t pid = info[0].As<Napi::Number>().Int32Value();
  return Napi::Number::New(info.Env(), note_child(pid));
}

Napi::Value watch_pid(const Napi::CallbackInfo& info) {
  int error = 0;
  Waits* waits = waits_of(info.Env(), &error);
  if (waits == nullptr) return Napi::Number::New(info.Env(), error);

  auto* watch = new Watch();
  watch->pid.context = watch;
  watch->pid.ended = call_back;
  watch->pid.closed = watch_closed;
  error =
      start_pid_watch(loop_of(info.Env()), info[0].As<Napi::Number>().Int32Value(), &watch->pid);
  if (error < 0) {
    delete watch;
    return Napi::Number::New(info.Env(), error);
  }
  watch->callback = Napi::Persistent(info[1].As<Napi::Function>());
  watch->waits = waits;
  watch->next = waits->watches;
  if (watch->next != nullptr) watch->next->previous = watch;
  waits->watches = watch;
  waits->open_handles++;
  return Napi::External<Watch>::New(info.Env(), watch);
}

Napi::Value unwatch_pid(const Napi::CallbackInfo& info) {
  stop_watch(info[0].As<Napi::External<Watch>>().Data());
  return info.Env().Undefined();
}

// The `process` of the environment itself: a sandbox like Jest's shows its own copy to its tests,
// but signals are emitted on this one.
Napi::Value real_process(const Napi::CallbackInfo& info) {
  return info.Env().Global().Get("process");
}

}  // namespace prefork
