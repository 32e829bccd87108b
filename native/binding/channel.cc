// posix/channel.h as JavaScript sees it.
#include "posix/channel.h"

#include <errno.h>

#include "binding/binding.h"

namespace prefork {

Napi::Value open_channel(const Napi::CallbackInfo& info) {
  return number(info.Env(), open_channel(info[0].As<Napi::Int32Array>().Data()));
}

Napi::Value send_message(const Napi::CallbackInfo& info) {
  auto data = info[1].As<Napi::Uint8Array>();
  auto passed = info[2].As<Napi::Int32Array>();
  return number(info.Env(), send_message(integer(info[0]), {data.Data(), data.ByteLength()},
                                         {passed.Data(), passed.ElementLength()}));
}

// How many descriptors came is in the first element of the last argument, and they behind it.
Napi::Value receive_message(const Napi::CallbackInfo& info) {
  auto data = info[1].As<Napi::Uint8Array>();
  auto list = info[2].As<Napi::Int32Array>();
  Descriptors passed = {list.Data() + 1, list.ElementLength() - 1};
  const long size = receive_message(integer(info[0]), {data.Data(), data.ByteLength()}, &passed);
  list[0] = static_cast<int>(passed.count);
  return number(info.Env(), static_cast<double>(size));
}

Napi::Value await_message(const Napi::CallbackInfo& info) {
  const int result = await_message(integer(info[0]), integer(info[1]));
  return number(info.Env(), result);
}

}  // namespace prefork
