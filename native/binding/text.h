// A JavaScript string on the stack.
#pragma once

#include <napi.h>

namespace prefork {

// In UTF-8; it may hold NULs. `fits` is false if it was longer than the room.
template <size_t kRoom>
struct Text {
  explicit Text(const Napi::Value& value) {
    size_t needed = 0;
    napi_get_value_string_utf8(value.Env(), value, nullptr, 0, &needed);
    fits = needed <= kRoom;
    if (fits) napi_get_value_string_utf8(value.Env(), value, bytes, sizeof(bytes), &length);
  }

  char bytes[kRoom + 1] = {};
  size_t length = 0;
  bool fits = false;
};

}  // namespace prefork
