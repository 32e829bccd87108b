// Natives as JavaScript sees them: arguments in (lib/ has checked them), a value or -errno out.
#pragma once

#include <napi.h>

namespace prefork {

using Native = Napi::Value (*)(const Napi::CallbackInfo& info);

inline void method(Napi::Object exports, const char* name, Native native) {
  exports.Set(name, Napi::Function::New(exports.Env(), native, name));
}

// fork.cc
Napi::Value fork(const Napi::CallbackInfo& info);

}  // namespace prefork
