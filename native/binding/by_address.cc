#include "posix/by_address.h"

#include "binding/binding.h"

namespace prefork {

// (fd, pairs of id and position: Uint32Array)
Napi::Value choose_by_address(const Napi::CallbackInfo& info) {
  const auto pairs = info[1].As<Napi::Uint32Array>();
  return number(info.Env(),
                choose_by_address(integer(info[0]), reinterpret_cast<const Choice*>(pairs.Data()),
                                  static_cast<uint32_t>(pairs.ElementLength() / 2)));
}

}  // namespace prefork
