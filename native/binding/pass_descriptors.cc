#include "posix/pass_descriptors.h"

#include "binding/binding.h"

namespace prefork {

namespace {

Bytes bytes_of(const Napi::Value& value) {
  auto array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ElementLength()};
}

Descriptors descriptors_of(const Napi::Value& value) {
  auto array = value.As<Napi::Int32Array>();
  return {array.Data(), array.ElementLength()};
}

}  // namespace

// (socket, bytes, descriptors, flags)
Napi::Value send_descriptors(const Napi::CallbackInfo& info) {
  const long sent = send_with_descriptors(integer(info[0]), bytes_of(info[1]),
                                          descriptors_of(info[2]), integer(info[3]));
  return number(info.Env(), sent);
}

// (socket, room for bytes, room for descriptors, flags, [how many descriptors, flags])
Napi::Value receive_descriptors(const Napi::CallbackInfo& info) {
  Received received = {};
  const long got = receive_with_descriptors(integer(info[0]), bytes_of(info[1]),
                                            descriptors_of(info[2]), integer(info[3]), &received);
  int* out = info[4].As<Napi::Int32Array>().Data();
  out[0] = static_cast<int>(received.descriptors);
  out[1] = received.flags;
  return number(info.Env(), got);
}

Napi::Value is_blocking_descriptor(const Napi::CallbackInfo& info) {
  return number(info.Env(), is_blocking(integer(info[0])));
}

}  // namespace prefork
