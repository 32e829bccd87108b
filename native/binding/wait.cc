// wait(2) as JavaScript sees it: blocking, with signal listeners in between, and as an event.
#include "posix/wait.h"

#include <node_api.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
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

// `look` at any child but those that node:child_process waits for.
template <typename Look>
long sparing_child_processes(Napi::Env env, const Look& look) {
  const ChildProcesses others(loop_of(env));
  return others.ok() ? look(others.pids()) : -ENOMEM;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// In the order of getrusage(2), which is that of Python's struct_rusage.
void write_usage(const rusage& usage, Napi::Float64Array out) {
  out[0] = seconds(usage.ru_utime);
  out[1] = seconds(usage.ru_stime);
  const long counts[] = {usage.ru_maxrss,  usage.ru_ixrss,  usage.ru_idrss,  usage.ru_isrss,
                         usage.ru_minflt,  usage.ru_majflt, usage.ru_nswap,  usage.ru_inblock,
                         usage.ru_oublock, usage.ru_msgsnd, usage.ru_msgrcv, usage.ru_nsignals,
                         usage.ru_nvcsw,   usage.ru_nivcsw};
  size_t next = 2;
  for (const long count : counts) out[next++] = static_cast<double>(count);
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

// (milliseconds, fd, whether it is to be written to)
Napi::Value sleep_until_signal(const Napi::CallbackInfo& info) {
  Waits* waits = waits_slot(info.Env());
  const int timeout = integer(info[0]);
  const int fd = integer(info[1]);
  const short events = info[2].As<Napi::Boolean>().Value() ? POLLOUT : POLLIN;
  if (waits != nullptr) waits->sleep(timeout, fd, events);
  return info.Env().Undefined();
}

// (pid, options, status, the resources it used | null)
Napi::Value wait_now(const Napi::CallbackInfo& info) {
  const pid_t pid = integer(info[0]);
  const int options = integer(info[1]);
  int* status = info[2].As<Napi::Int32Array>().Data();
  rusage usage = {};
  const auto look = [&](Pids others) { return try_wait(pid, options, status, &usage, others); };
  const long result = pid == -1 ? sparing_child_processes(info.Env(), look) : look({});
  if (result > 0 && info[3].IsTypedArray()) write_usage(usage, info[3].As<Napi::Float64Array>());
  return number(info.Env(), result);
}

// (kind, id, options, [pid, uid, signo, status, code])
Napi::Value wait_id_now(const Napi::CallbackInfo& info) {
  const int kind = integer(info[0]);
  const int id = integer(info[1]);
  const int options = integer(info[2]);
  siginfo_t child = {};
  const auto look = [&](Pids others) { return try_wait_id(kind, id, options, &child, others); };
  const long result = kind == P_ALL ? sparing_child_processes(info.Env(), look) : look({});
  int* out = info[3].As<Napi::Int32Array>().Data();
  out[0] = child.si_pid;
  out[1] = static_cast<int>(child.si_uid);
  out[2] = child.si_signo;
  out[3] = child.si_status;
  out[4] = child.si_code;
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
