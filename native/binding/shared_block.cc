#include "posix/shared_block.h"

#include <errno.h>

#include "binding/binding.h"

namespace prefork {

// (bytes): unmapped when JavaScript has no use for it any more; others keep theirs.
Napi::Value make_shared_block(const Napi::CallbackInfo& info) {
  const auto bytes = static_cast<size_t>(info[0].As<Napi::Number>().Int64Value());
  void* block = map_shared_block(bytes);
  if (block == nullptr) return number(info.Env(), -ENOMEM);
  const auto unmap = [](Napi::Env, void* mapped, size_t* size) {
    unmap_shared_block(mapped, *size);
    delete size;
  };
  return Napi::ArrayBuffer::New(info.Env(), block, bytes, unmap, new size_t(bytes));
}

}  // namespace prefork
