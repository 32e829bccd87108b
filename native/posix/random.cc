#include "posix/random.h"

#include <errno.h>
#include <sys/syscall.h>

#include "posix/syscall.h"

namespace prefork {

void fill_randomly(void* to, size_t size) {
  for (size_t filled = 0; filled < size;) {
    const long result = sys(SYS_getrandom, static_cast<char*>(to) + filled, size - filled, 0);
    if (result < 0 && result != -EINTR) __builtin_trap();
    if (result > 0) filled += static_cast<size_t>(result);
  }
}

}  // namespace prefork
