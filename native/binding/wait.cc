// wait(2) as JavaScript sees it: blocking, with signal listeners in between, and as an event.
#include "posix/wait.h"

#include <node_api.h>
#include <stdlib.h>
#include <uv.h>

#include "binding/binding.h"
#include "binding/call_from_loop.h"
#include "binding/environments.h"
#include "loop/child_processes.h"
#include "loop/pid_watch.h"
#include "loop/wait_signals.h"

namespace prefork {

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
};

namespace {

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
  waits_slot(waits->env) = nullptr;
  while (waits->watches != nullptr) stop_watch(waits->watches);
  waits->close(
      [](uv_handle_t* handle) { handle_closed(static_cast<Waits*>(WaitSignals::of(handle))); });
}

// This environment's state; nullptr and `error` if it cannot be made.
Waits* waits_of(Napi::Env env, int* error) {
  Waits*& slot = waits_slot(env);
  if (slot != nullptr) return slot;

  auto* waits = static_cast<Waits*>(calloc(1, sizeof(Waits)));
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
  slot = waits;
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
  return number(info.Env(), waits == nullptr ? error : waits->begin());
}

Napi::Value end_wait(const Napi::CallbackInfo& info) {
  Waits* waits = waits_slot(info.Env());
  if (waits != nullptr) waits->end();
  return info.Env().Undefined();
}

Napi::Value next_signal(const Napi::CallbackInfo& info) {
  Waits* waits = waits_slot(info.Env());
  return number(info.Env(), waits == nullptr ? 0 : waits->next());
}

Napi::Value sleep_until_signal(const Napi::CallbackInfo& info) {
  Waits* waits = waits_slot(info.Env());
  if (waits != nullptr) waits->sleep(integer(info[0]));
  return info.Env().Undefined();
}

Napi::Value wait_now(const Napi::CallbackInfo& info) {
  const pid_t pid = integer(info[0]);
  const int options = integer(info[1]);
  int* status = info[2].As<Napi::Int32Array>().Data();
  if (pid != -1) return number(info.Env(), try_wait(pid, options, status, {}));

  const ChildProcesses others(loop_of(info.Env()));
  const long result = others.ok() ? try_wait(pid, options, status, others.pids()) : -ENOMEM;
  return number(info.Env(), result);
}

Napi::Value note_child_pid(const Napi::CallbackInfo& info) {
  const pid_t pid = integer(info[0]);
  return number(info.Env(), note_child(pid));
}

Napi::Value watch_pid(const Napi::CallbackInfo& info) {
  int error = 0;
  Waits* waits = waits_of(info.Env(), &error);
  if (waits == nullptr) return number(info.Env(), error);

  auto* watch = new Watch();
  watch->pid.context = watch;
  watch->pid.ended = call_back;
  watch->pid.closed = watch_closed;
  error = start_pid_watch(loop_of(info.Env()), integer(info[0]), &watch->pid);
  if (error < 0) {
    delete watch;
    return number(info.Env(), error);
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
