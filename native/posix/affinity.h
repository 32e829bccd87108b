// The processors that a thread may run on: bit n of byte n / 8 is processor n.
#pragma once

#include <stddef.h>
#include <sys/types.h>

namespace prefork {

// 0 or -errno. `thread` 0: the calling one.
int set_affinity(pid_t thread, const unsigned char* bits, size_t size);

// The number of bytes filled, or -errno; -EINVAL if `size` is too small for this kernel.
long get_affinity(pid_t thread, unsigned char* bits, size_t size);

}  // namespace prefork
