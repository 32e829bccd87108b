// A descriptor that a fork makes the child's own, and putting a new one in the place of the old
// one.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "posix/syscall.h"

namespace prefork {

enum class Kind : uint8_t {
  other,
  epoll,
  eventfd,
  timerfd,
  inotify,
  io_uring,
  pipe,
  shared_pipe,
  read_file
};

struct Descriptor {
  int fd;
  Kind kind;
  int twin;           // index of the first descriptor of the same open file description
  int status_flags;   // fcntl(F_GETFL)
  int close_on_exec;  // O_CLOEXEC or 0
  ino_t inode;
};

// All that were found.
struct Descriptors {
  const Descriptor* first;
  const Descriptor* behind_last;
  const Descriptor* begin() const { return first; }
  const Descriptor* end() const { return behind_last; }
};

inline int dup3_to(int from, const Descriptor& to) {
  const long result = sys(SYS_dup3, from, to.fd, to.close_on_exec);
  return result < 0 ? static_cast<int>(result) : 0;
}

inline int move_to(int from, const Descriptor& to) {
  const int result = dup3_to(from, to);
  sys(SYS_close, from);
  return result;
}

}  // namespace prefork
