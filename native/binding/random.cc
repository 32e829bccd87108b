// v8/math_random.h as JavaScript sees it.
#include "binding/random.h"

#include <pthread.h>

#include <atomic>

#include "binding/binding.h"
#include "posix/random.h"
#include "v8/isolate.h"
#include "v8/random_survey.h"

namespace prefork {

namespace {

// A child has the same V8 at the same addresses.
pthread_mutex_t surveying = PTHREAD_MUTEX_INITIALIZER;
RandomLayout layout;
bool surveyed;             // once: `layout` is what was found, and waits for a second opinion
std::atomic<bool> agreed;  // `layout` holds for good

// A handle is the address of a slot in which V8 has the object's; where V8 was built with direct
// handles, it is the object's own.
FunctionAddress address_of(napi_value value) {
  const auto handle = reinterpret_cast<uintptr_t>(value);
  return (handle & 3) == 1 ? handle : *reinterpret_cast<const uintptr_t*>(value);
}

}  // namespace

Napi::Value random_is_known(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), agreed);
}

Napi::Value random_survey(const Napi::CallbackInfo& info) {
  const auto random = info[0].As<Napi::Function>();
  RandomSurvey survey;
  for (int i = 0; i < 2; ++i) {
    const double drawn = random.Call({}).As<Napi::Number>().DoubleValue();
    survey.see(address_of(random), drawn);
  }
  const bool found = survey.finish(address_of(random), address_of(info[1]));
  pthread_mutex_lock(&surveying);
  if (!agreed && found) {
    agreed = surveyed && layout == survey.layout();
    layout = survey.layout();
    surveyed = true;
  }
  pthread_mutex_unlock(&surveying);
  return info.Env().Undefined();
}

Napi::Value random_renew(const Napi::CallbackInfo& info) {
  enum { kNot, kAll, kAllButSeeds };
  const auto answer = [&](int value) { return number(info.Env(), value); };
  if (!agreed) return answer(kNot);
  const Renewal result = renew_random(current_isolate(), layout);
  if (result.renewed == 0 || result.failed != 0) return answer(kNot);
  return answer(layout.generator != 0 ? kAll : kAllButSeeds);
}

void renew_random_of_stopped_thread(const StoppedThread& thread) {
  if (agreed) renew_random_of_thread(thread.thread_pointer, layout);
}

Napi::Value random_fill(const Napi::CallbackInfo& info) {
  const auto array = info[0].As<Napi::TypedArray>();
  auto* start = static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  fill_randomly(start, array.ByteLength());
  return info.Env().Undefined();
}

}  // namespace prefork
