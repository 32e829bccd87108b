#include "v8/isolate.h"

#include <dlfcn.h>
#include <stddef.h>

namespace prefork {

namespace {

template <typename Function>
Function look_up(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

// v8::Isolate::GetCurrent()
uintptr_t current_isolate() {
  static const auto get_current = look_up<uintptr_t (*)()>("_ZN2v87Isolate10GetCurrentEv");
  return get_current == nullptr ? 0 : get_current();
}

// v8::Isolate::GetEmbeddedCodeRange(const void**, size_t*)
Extent builtins_extent() {
  using GetRange = void (*)(uintptr_t isolate, const void** start, size_t* length);
  const auto get_range = look_up<GetRange>("_ZN2v87Isolate20GetEmbeddedCodeRangeEPPKvPm");
  const uintptr_t isolate = current_isolate();
  if (get_range == nullptr || isolate == 0) return {0, 0};
  const void* start = nullptr;
  size_t length = 0;
  get_range(isolate, &start, &length);
  return {reinterpret_cast<uintptr_t>(start), reinterpret_cast<uintptr_t>(start) + length};
}

RequestInterrupt find_request_interrupt() {
  return look_up<RequestInterrupt>("_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_");
}

}  // namespace prefork
