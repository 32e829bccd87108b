#include "posix/private_memory.h"

#include "binding/binding.h"
#include "posix/supervise.h"

namespace prefork {

// (index of a 32-bit word in the shared memory, where a 64-bit number begins)
Napi::Value measure_private_memory(const Napi::CallbackInfo& info) {
  auto* words = static_cast<uint32_t*>(shared_memory());
  auto* result = reinterpret_cast<double*>(words + info[0].As<Napi::Number>().Uint32Value());
  return number(info.Env(), measure_private_memory(result));
}

}  // namespace prefork
