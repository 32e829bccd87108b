#include "posix/memory_file.h"

#include <sys/mman.h>

#include "posix/syscall.h"

namespace prefork {

int open_memory_file(const char* name) {
  return static_cast<int>(sys(SYS_memfd_create, name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
}

}  // namespace prefork
