#include "fork/event_loop.h"

#include <fcntl.h>
#include <string.h>

#include "fork/arch.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

constexpr long kSmallNumber = 1 << 24;  // above every descriptor

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

bool is_wait_for_events(long number) {
#if defined(SYS_epoll_wait)
  if (number == SYS_epoll_wait) return true;
#endif
  return number == SYS_epoll_pwait || number == SYS_epoll_pwait2;
}

// In a buffer of its own: stopped threads ask this at the same moment.
void write_fd_path(char* path, long fd) {
  constexpr long kBillion = 1000 * 1000 * 1000;
  path = stpcpy(path, "/proc/thread-self/fd/");
  long power = 1;
  while (power < kBillion && fd / power >= 10) power *= 10;
  for (; power > 0; power /= 10) *path++ = static_cast<char>('0' + fd / power % 10);
  *path = '\0';
}

bool is_epoll(long fd) {
  constexpr char kName[] = "anon_inode:[eventpoll]";
  char path[40], link[sizeof kName];
  if (fd < 0 || fd >= kSmallNumber) return false;
  write_fd_path(path, fd);
  const long length = sys(SYS_readlinkat, AT_FDCWD, path, link, sizeof link);
  return length == sizeof kName - 1 && memcmp(link, kName, sizeof kName - 1) == 0;
}

// Of all calls on an epoll descriptor, epoll_pwait's two have six arguments, the last of which is
// the size of the kernel's signal set.
bool has_arguments_of_epoll_pwait(const InterruptedCall& call) {
  constexpr long kSignalSetSize = 8;
  return call.sixth == kSignalSetSize && is_epoll(call.first);
}

}  // namespace

bool was_in_event_loop(const void* ucontext) {
  const InterruptedCall call = interrupted_call(ucontext);
  if (call.number == kUnknownCall) return has_arguments_of_epoll_pwait(call);
  return is_wait_for_events(call.number);
}

}  // namespace prefork
