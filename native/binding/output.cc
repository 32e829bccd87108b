// posix/output.h as JavaScript sees it.
#include "posix/output.h"

#include <errno.h>
#include <limits.h>
#include <uv.h>

#include "binding/binding.h"
#include "binding/text.h"
#include "posix/line_labels.h"

namespace prefork {

// (fd, Uint8Array)
Napi::Value write_bytes_now(const Napi::CallbackInfo& info) {
  const Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  const auto* data = reinterpret_cast<const char*>(bytes.Data());
  const long written = write_now(integer(info[0]), data, bytes.ByteLength());
  return number(info.Env(), static_cast<double>(written));
}

// (fd, milliseconds)
Napi::Value await_room_for_output(const Napi::CallbackInfo& info) {
  await_room(integer(info[0]), integer(info[1]));
  return info.Env().Undefined();
}

// (prefix, field, [another descriptor of stdout, of stderr])
Napi::Value label_lines(const Napi::CallbackInfo& info) {
  const Text<kLongestLabel> prefix(info[0]);
  const Text<kLongestLabel> field(info[1]);
  if (!prefix.fits || !field.fits) return number(info.Env(), -EMSGSIZE);
  const LineLabels labels = {prefix.bytes, prefix.length, field.bytes, field.length};
  const auto* libuv = reinterpret_cast<const void*>(uv_fs_write);
  const auto* node = reinterpret_cast<const void*>(napi_get_uv_event_loop);
  const int* terminals = info[2].As<Napi::Int32Array>().Data();
  return number(info.Env(), label_lines(labels, terminals, libuv, node));
}

// (path, text)
Napi::Value send_text_datagram(const Napi::CallbackInfo& info) {
  constexpr size_t kLongest = 4096;
  const Text<PATH_MAX> path(info[0]);
  const Text<kLongest> text(info[1]);
  if (!path.fits || !text.fits) return number(info.Env(), -EMSGSIZE);
  return number(info.Env(), send_datagram(path.bytes, path.length, text.bytes, text.length));
}

// (path)
Napi::Value hears_datagrams(const Napi::CallbackInfo& info) {
  const Text<PATH_MAX> path(info[0]);
  return number(info.Env(), path.fits ? hears_datagrams(path.bytes, path.length) : -ENAMETOOLONG);
}

}  // namespace prefork
