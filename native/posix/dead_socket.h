// A socket that is connected to nobody, in the place of one that is.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include "posix/syscall.h"

namespace prefork {

// This process's copy of `fd` is closed, without a word to the other end if others have it open,
// and its number stands for a socket that nobody can talk to. 0 or -errno.
inline int put_dead_socket_in_place_of(int fd) {
  const long dead = sys(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (dead < 0) return static_cast<int>(dead);
  const long result = sys(SYS_dup3, dead, fd, O_CLOEXEC);
  sys(SYS_close, dead);
  return result < 0 ? static_cast<int>(result) : 0;
}

}  // namespace prefork
