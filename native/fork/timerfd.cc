#include "fork/timerfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/timerfd.h>

#include "fork/procfs.h"

namespace prefork {

int renew_timerfd(const Descriptor& old) {
  int clock = CLOCK_MONOTONIC;
  uint64_t ticks = 0;
  Lines info(fdinfo_path(old.fd));
  while (const char* line = info.next()) {
    if (const char* value = after(line, "clockid:")) clock = static_cast<int>(read_decimal(value));
    if (const char* value = after(line, "ticks:")) ticks = read_decimal(value);
  }
  if (info.error() < 0) return info.error();
  itimerspec left;
  if (timerfd_gettime(old.fd, &left) < 0) return -errno;
  if (ticks > 0) left.it_value = {0, 1};  // it has rung and nobody has looked: let it ring at once
  const int fresh = timerfd_create(clock, old.status_flags & O_NONBLOCK);
  if (fresh < 0) return -errno;
  timerfd_settime(fresh, 0, &left, nullptr);
  return move_to(fresh, old);
}

}  // namespace prefork
