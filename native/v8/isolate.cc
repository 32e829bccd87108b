#include "v8/isolate.h"

#include <dlfcn.h>

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

RequestInterrupt find_request_interrupt() {
  return look_up<RequestInterrupt>("_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_");
}

}  // namespace prefork
