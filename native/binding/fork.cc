#include "posix/fork.h"

#include "binding/binding.h"

namespace prefork {

Napi::Value fork(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), fork_process());
}

}  // namespace prefork
