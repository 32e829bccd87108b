#include "posix/disposition.h"

#include "binding/binding.h"

namespace prefork {

Napi::Value get_disposition(const Napi::CallbackInfo& info) {
  const int signal = integer(info[0]);
  const void* node_symbol = reinterpret_cast<const void*>(napi_get_uv_event_loop);
  return number(info.Env(), disposition_of(signal, node_symbol));
}

// (signal, whether to ignore it)
Napi::Value replace_disposition(const Napi::CallbackInfo& info) {
  const int signal = integer(info[0]);
  const Disposition disposition = info[1].As<Napi::Boolean>().Value() ? kIgnored : kDefault;
  return number(info.Env(), set_disposition(signal, disposition));
}

}  // namespace prefork
