#include "posix/turns.h"

#include "binding/binding.h"

namespace prefork {

// (fd, capacity)
Napi::Value take_turns(const Napi::CallbackInfo& info) {
  Turns turns;
  const int result = take_turns(integer(info[0]), info[1].As<Napi::Number>().Uint32Value(), &turns);
  if (result < 0) return number(info.Env(), result);
  Napi::Object descriptors = Napi::Object::New(info.Env());
  descriptors.Set("sockets", number(info.Env(), turns.sockets));
  descriptors.Set("order", number(info.Env(), turns.order));
  return descriptors;
}

// (sockets, slot, fd)
Napi::Value set_turn_socket(const Napi::CallbackInfo& info) {
  const uint32_t slot = info[1].As<Napi::Number>().Uint32Value();
  return number(info.Env(), set_turn_socket({integer(info[0]), -1}, slot, integer(info[2])));
}

// (order, Uint32Array of slots)
Napi::Value set_turn_order(const Napi::CallbackInfo& info) {
  const auto slots = info[1].As<Napi::Uint32Array>();
  return number(info.Env(), set_turn_order({-1, integer(info[0])}, slots.Data(),
                                           static_cast<uint32_t>(slots.ElementLength())));
}

}  // namespace prefork
