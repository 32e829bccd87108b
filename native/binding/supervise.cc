// posix/supervise.h as JavaScript sees it.
#include "posix/supervise.h"

#include <errno.h>

#include "binding/binding.h"
#include "binding/text.h"
#include "posix/memory_file.h"
#include "posix/signals_at_start.h"

namespace prefork {

Napi::Value begin_supervising(const Napi::CallbackInfo& info) {
  const Napi::Int32Array signals = info[0].As<Napi::Int32Array>();
  return number(info.Env(), begin_supervising(signals.Data(), signals.ElementLength(),
                                              info[1].As<Napi::Boolean>().Value()));
}

Napi::Value await_news(const Napi::CallbackInfo& info) {
  auto channels = info[1].As<Napi::Int32Array>();
  return number(info.Env(),
                await_news(integer(info[0]), channels.Data(), channels.ElementLength()));
}

Napi::Value reap_any_child(const Napi::CallbackInfo& info) {
  const long pid = reap_any_child(info[0].As<Napi::Int32Array>().Data());
  return number(info.Env(), static_cast<double>(pid));
}

Napi::Value end_supervising(const Napi::CallbackInfo& info) {
  return number(info.Env(), end_supervising());
}

Napi::Value has_child(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), has_child(integer(info[0])));
}

// Never unmapped: a garbage-collected view of it would otherwise leave the others without.
Napi::Value shared_memory(const Napi::CallbackInfo& info) {
  void* memory = shared_memory();
  if (memory == nullptr) return number(info.Env(), -ENOMEM);
  return Napi::ArrayBuffer::New(info.Env(), memory, kSharedBytes);
}

// (name, whether it is to be sealed)
Napi::Value open_memory_file(const Napi::CallbackInfo& info) {
  const Text<kLongestMemoryFileName> name(info[0]);
  const bool sealable = info[1].As<Napi::Boolean>().Value();
  return number(info.Env(), name.fits ? open_memory_file(name.bytes, sealable) : -EINVAL);
}

// (fd, bytes)
Napi::Value forget_beginning_of_file(const Napi::CallbackInfo& info) {
  return number(info.Env(),
                forget_beginning(integer(info[0]), info[1].As<Napi::Number>().DoubleValue()));
}

// (fd)
Napi::Value share_memory_file(const Napi::CallbackInfo& info) {
  return number(info.Env(), share_memory_file(integer(info[0])));
}

// (signals)
Napi::Value are_signals_blocked(const Napi::CallbackInfo& info) {
  const Napi::Int32Array signals = info[0].As<Napi::Int32Array>();
  return Napi::Boolean::New(info.Env(),
                            are_signals_blocked(signals.Data(), signals.ElementLength()));
}

// (signals)
Napi::Value release_signals_at_start(const Napi::CallbackInfo& info) {
  const Napi::Int32Array signals = info[0].As<Napi::Int32Array>();
  return number(info.Env(), release_signals_at_start(signals.Data(), signals.ElementLength()));
}

}  // namespace prefork
