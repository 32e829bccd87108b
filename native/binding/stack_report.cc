// Runs a JavaScript function although the event loop stands still, in the middle of the JavaScript
// that blocks it, so that it can say where that is.
//
// Node-API has no way to interrupt JavaScript: V8 is asked itself (v8/isolate.h); where that cannot
// be, there is no report. Node's inspector enters JavaScript in the same way (src/inspector/
// main_thread_interface.cc, RequestInterrupt).
//
// The request comes in a word of the shared memory, on which a thread of its own waits: V8 takes a
// lock, which a signal handler may not.
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include <atomic>

#include "binding/binding.h"
#include "posix/supervise.h"
#include "posix/syscall.h"
#include "v8/isolate.h"

namespace prefork {

namespace {

using Word = std::atomic<uint32_t>;

struct Reporter {
  napi_env env;
  napi_ref report;
  void* isolate;
  RequestInterrupt request;
  Word* wanted;
  pid_t owner;
};

// Of the main thread, the only one that a parent looks after. A process that this one forks has a
// copy of it, and of the thread that waits: the request is not meant for that.
Reporter reporter;

Word* shared_word(const Napi::Value& index) {
  return static_cast<Word*>(shared_memory()) + index.As<Napi::Number>().Uint32Value();
}

void report_now(void*, void*) {
  const napi_env env = reporter.env;
  napi_handle_scope scope = nullptr;
  napi_value function = nullptr, receiver = nullptr, error = nullptr;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_reference_value(env, reporter.report, &function);
  napi_get_global(env, &receiver);
  if (function != nullptr && receiver != nullptr)
    napi_call_function(env, receiver, function, 0, nullptr, nullptr);
  napi_get_and_clear_last_exception(env, &error);
  napi_close_handle_scope(env, scope);
}

void* wait_for_request(void*) {
  while (reporter.wanted->load() == 0)
    sys(SYS_futex, reporter.wanted, FUTEX_WAIT, 0, nullptr, nullptr, 0);
  if (getpid() == reporter.owner) reporter.request(reporter.isolate, report_now, nullptr);
  return nullptr;
}

int start_thread() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, wait_for_request, nullptr);
  pthread_attr_destroy(&attributes);
  return -error;
}

}  // namespace

// (index, report)
Napi::Value report_stack_on_request(const Napi::CallbackInfo& info) {
  auto* isolate = reinterpret_cast<void*>(current_isolate());
  const RequestInterrupt request = find_request_interrupt();
  if (isolate == nullptr || request == nullptr) return number(info.Env(), -ENOSYS);
  napi_ref report = nullptr;
  napi_create_reference(info.Env(), info[1], 1, &report);
  reporter = {info.Env(), report, isolate, request, shared_word(info[0]), getpid()};
  return number(info.Env(), start_thread());
}

// (index)
Napi::Value request_stack(const Napi::CallbackInfo& info) {
  Word* wanted = shared_word(info[0]);
  wanted->store(1);
  sys(SYS_futex, wanted, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  return info.Env().Undefined();
}

}  // namespace prefork
