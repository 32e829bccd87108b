// Which executable or library a function belongs to.
#pragma once

#include <dlfcn.h>

namespace prefork {

// Where it begins in memory; nullptr if nobody knows.
inline const void* object_of(const void* address) {
  Dl_info about;
  return dladdr(address, &about) == 0 ? nullptr : about.dli_fbase;
}

}  // namespace prefork
