// Runs a JavaScript function when another process asks, so that it can say where this one is: in
// the middle of the JavaScript that runs at that moment, although the event loop may stand still;
// or from the event loop, if that gets there first, because no JavaScript runs.
//
// Node-API has no way to interrupt JavaScript: V8 is asked itself (v8/isolate.h); where that cannot
// be, there is no report. Node's inspector enters JavaScript in the same way (src/inspector/
// main_thread_interface.cc, RequestInterrupt).
//
// The request comes in a word of the shared memory, on which a thread of its own waits: V8 takes a
// lock, which a signal handler may not. The thread takes the bits of the word and passes them on to
// the interrupt and to the loop, and whichever runs first has them.
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>

#include "binding/binding.h"
#include "binding/call_from_loop.h"
#include "posix/supervise.h"
#include "posix/syscall.h"
#include "v8/isolate.h"

namespace prefork {

namespace {

using Word = std::atomic<uint32_t>;

struct Reporter {
  napi_env env;
  napi_ref report;
  napi_async_cleanup_hook_handle cleanup;
  void* isolate;
  RequestInterrupt request;
  Word* wanted;
  // Taken from there, and not reported yet.
  Word asked;
  uv_async_t loop;
  // The environment ends, and nobody may be woken any more.
  std::atomic<bool> is_over;
  pid_t owner;
};

// Of the main thread, the only one that a parent looks after. A process that this one forks has a
// copy of it, and of the thread that waits: the request is not meant for that, and it leaves it in
// the word, which both share.
Reporter reporter;

Word* shared_word(const Napi::Value& index) {
  return static_cast<Word*>(shared_memory()) + index.As<Napi::Number>().Uint32Value();
}

// What is to be reported now. Nothing in a child that was forked between the word and here.
uint32_t take_asked() {
  const uint32_t asked = reporter.asked.exchange(0);
  return getpid() == reporter.owner ? asked : 0;
}

void report_in_between(void*, void*) {
  const uint32_t asked = take_asked();
  if (asked == 0) return;
  const napi_env env = reporter.env;
  napi_handle_scope scope = nullptr;
  napi_value function = nullptr, receiver = nullptr, error = nullptr, arguments[2] = {};
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_get_reference_value(env, reporter.report, &function);
  napi_get_global(env, &receiver);
  napi_create_uint32(env, asked, &arguments[0]);
  napi_get_boolean(env, false, &arguments[1]);
  if (function != nullptr && receiver != nullptr)
    napi_call_function(env, receiver, function, 2, arguments, nullptr);
  napi_get_and_clear_last_exception(env, &error);
  napi_close_handle_scope(env, scope);
}

// The interrupt is still pending, and finds nothing when JavaScript is entered here.
void report_at_rest(uv_async_t*) {
  const uint32_t asked = take_asked();
  if (asked == 0) return;
  const Napi::HandleScope scope(reporter.env);
  napi_value arguments[2] = {};
  napi_create_uint32(reporter.env, asked, &arguments[0]);
  napi_get_boolean(reporter.env, true, &arguments[1]);
  call_from_loop(reporter.env, reporter.report, 2, arguments);
}

void* wait_for_requests(void*) {
  for (;;) {
    while (reporter.wanted->load() == 0)
      sys(SYS_futex, reporter.wanted, FUTEX_WAIT, 0, nullptr, nullptr, 0);
    if (getpid() != reporter.owner || reporter.is_over) return nullptr;
    reporter.asked.fetch_or(reporter.wanted->exchange(0));
    reporter.request(reporter.isolate, report_in_between, nullptr);
    uv_async_send(&reporter.loop);
  }
}

void clean_up(napi_async_cleanup_hook_handle, void*) {
  reporter.is_over = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&reporter.loop),
           [](uv_handle_t*) { napi_remove_async_cleanup_hook(reporter.cleanup); });
}

int start_thread() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, wait_for_requests, nullptr);
  pthread_attr_destroy(&attributes);
  return -error;
}

}  // namespace

// (index, report)
Napi::Value report_stack_on_request(const Napi::CallbackInfo& info) {
  auto* isolate = reinterpret_cast<void*>(current_isolate());
  const RequestInterrupt request = find_request_interrupt();
  if (isolate == nullptr || request == nullptr) return number(info.Env(), -ENOSYS);
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(info.Env(), &loop);
  const int error = uv_async_init(loop, &reporter.loop, report_at_rest);
  if (error != 0) return number(info.Env(), error);
  uv_unref(reinterpret_cast<uv_handle_t*>(&reporter.loop));
  reporter.env = info.Env();
  reporter.isolate = isolate;
  reporter.request = request;
  reporter.wanted = shared_word(info[0]);
  reporter.owner = getpid();
  napi_create_reference(info.Env(), info[1], 1, &reporter.report);
  napi_add_async_cleanup_hook(info.Env(), clean_up, nullptr, &reporter.cleanup);
  return number(info.Env(), start_thread());
}

// (index, bits)
Napi::Value request_stack(const Napi::CallbackInfo& info) {
  Word* wanted = shared_word(info[0]);
  wanted->fetch_or(info[1].As<Napi::Number>().Uint32Value());
  sys(SYS_futex, wanted, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  return info.Env().Undefined();
}

}  // namespace prefork
