// posix/memory_limit.h, and memory files as memory, as JavaScript sees them.
#include <errno.h>

#include "binding/binding.h"
#include "posix/memory_file.h"
#include "posix/memory_limit.h"

namespace prefork {

namespace {

size_t size_of(const Napi::Value& value) {
  return static_cast<size_t>(value.As<Napi::Number>().Int64Value());
}

void unmap(napi_env, void* start, void* size) {
  unmap_memory_file(start, reinterpret_cast<size_t>(size));
}

}  // namespace

// (fd, offset, size)
Napi::Value map_memory_file(const Napi::CallbackInfo& info) {
  const size_t size = size_of(info[2]);
  const Mapped mapped = map_memory_file(integer(info[0]), size_of(info[1]), size);
  if (mapped.error < 0) return number(info.Env(), mapped.error);
  napi_value buffer = nullptr;
  void* const hint = reinterpret_cast<void*>(size);
  if (napi_create_external_arraybuffer(info.Env(), mapped.start, size, unmap, hint, &buffer) ==
      napi_ok)
    return Napi::Value(info.Env(), buffer);
  unmap_memory_file(mapped.start, size);
  return number(info.Env(), -ENOMEM);
}

// (bytes, group, note)
Napi::Value limit_memory(const Napi::CallbackInfo& info) {
  return number(info.Env(), limit_memory(size_of(info[0]), integer(info[1]), integer(info[2])));
}

}  // namespace prefork
