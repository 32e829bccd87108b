// A file that no directory names: it lives in memory as long as somebody has it open or mapped.
#pragma once

#include <stddef.h>

namespace prefork {

constexpr unsigned kLongestMemoryFileName = 249;  // memfd_create(2)

// Empty, closed on exec; `name` is what /proc shows of it. A descriptor, or -errno. Whoever has it
// can seal it only if it is `sealable`: a seal keeps all others from writing, too.
int open_memory_file(const char* name, bool sealable);

// These seals (F_SEAL_…), and none after them, by whomever. 0, also if it has them already, or
// -errno.
int seal_memory_file(int fd, int seals);

// What is in a part of it, in memory of the caller's own: pages are shared until they are written
// to, and the file stays as it is. From now on nobody can change the file, so that the memory stays
// what it is, and is there, whatever another process does that has the file open. -EINVAL if it is
// too short or no such file, -EBUSY if somebody has mapped it to write to it.
struct Mapped {
  int error;
  void* start;
};
Mapped map_memory_file(int fd, size_t offset, size_t size);
void unmap_memory_file(void* start, size_t size);
// Gives the memory of its first bytes back; they read as zeros, and its length stays. 0 or -errno.
int forget_beginning(int fd, double bytes);

}  // namespace prefork
