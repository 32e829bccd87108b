#include "posix/affinity.h"

#include "posix/syscall.h"

namespace prefork {

int set_affinity(pid_t thread, const unsigned char* bits, size_t size) {
  return static_cast<int>(sys(SYS_sched_setaffinity, thread, size, bits));
}

long get_affinity(pid_t thread, unsigned char* bits, size_t size) {
  return sys(SYS_sched_getaffinity, thread, size, bits);
}

}  // namespace prefork
