// v8/heap_layout.h and v8/huge_pages.h as JavaScript sees them.
#include "binding/binding.h"
#include "v8/heap_layout.h"
#include "v8/huge_pages.h"

namespace prefork {

Napi::Value gather_heap(const Napi::CallbackInfo& info) {
  const char* const why_not = gather_heap();
  return why_not == nullptr ? info.Env().Undefined() : Napi::String::New(info.Env(), why_not);
}

Napi::Value heap_range(const Napi::CallbackInfo& info) {
  const AddressRange range = gathered_range();
  auto both = Napi::Array::New(info.Env());
  both.Set(0u, number(info.Env(), static_cast<double>(range.start)));
  both.Set(1u, number(info.Env(), static_cast<double>(range.end)));
  return both;
}

Napi::Value heap_to_huge_pages(const Napi::CallbackInfo& info) {
  return number(info.Env(), static_cast<double>(move_heap_to_huge_pages(integer(info[0]))));
}

}  // namespace prefork
