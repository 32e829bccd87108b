// Values as V8 has them in memory, where it does not compress pointers: as in Node on 64 bits.
// (include/v8-internal.h)
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace prefork {

constexpr size_t kWord = sizeof(uintptr_t);

constexpr uintptr_t small_integer(uint32_t value) { return static_cast<uintptr_t>(value) << 32; }

// To an object; its address is one less.
constexpr bool is_pointer(uintptr_t value) { return (value & 3) == 1; }

// What arrays and contexts begin with.
struct Header {
  uintptr_t map;
  uintptr_t length;
};

// While the garbage collector moves an object, it has no map.
inline bool has_length(const Header& header, uint32_t length) {
  return is_pointer(header.map) && header.length == small_integer(length);
}

constexpr uintptr_t contents_of(uintptr_t array) { return array - 1 + sizeof(Header); }

}  // namespace prefork
