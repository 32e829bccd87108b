// Which executable or library a function belongs to.
#pragma once

#include <dlfcn.h>
#include <stdint.h>

namespace prefork {

// A piece of memory.
struct Extent {
  uintptr_t start;
  uintptr_t end;
  bool has(uintptr_t address) const { return start <= address && address < end; }
};

// Where the code of the executable or library lies that `address` belongs to; empty if nobody
// knows. Takes the dynamic loader's lock.
Extent code_extent_of(const void* address);

// The memory that it may write to.
Extent data_extent_of(const void* address);

// Where it begins in memory; nullptr if nobody knows.
inline const void* object_of(const void* address) {
  Dl_info about;
  return dladdr(address, &about) == 0 ? nullptr : about.dli_fbase;
}

}  // namespace prefork
