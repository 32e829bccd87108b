#include "fork/eventfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include "fork/procfs.h"

namespace prefork {

namespace {

// Whether a read takes one of many or all at once, which the kernel shows since Linux 6.5 only. On
// older ones it is tried, and what was there is there again afterwards: the parent, which still
// shares this eventfd, is stopped.
bool is_semaphore(int fd, uint64_t count) {
  uint64_t added = count < 2 ? 2 : 0;
  if (added > 0 && sys(SYS_write, fd, &added, sizeof added) < 0) return false;
  uint64_t taken = 0;
  if (sys(SYS_read, fd, &taken, sizeof taken) < 0) return false;
  if (taken != 1) {  // all of it
    if (count > 0) sys(SYS_write, fd, &count, sizeof count);
    return false;
  }
  for (uint64_t surplus = added; surplus > 1; --surplus) sys(SYS_read, fd, &taken, sizeof taken);
  if (added == 0) sys(SYS_write, fd, &taken, sizeof taken);
  return true;
}

}  // namespace

int renew_eventfd(const Descriptor& old) {
  uint64_t count = 0;
  uint64_t semaphore = 2;  // not said
  Lines info(fdinfo_path(old.fd));
  while (const char* line = info.next()) {
    if (const char* value = after(line, "eventfd-count:")) count = read_hex(value);
    if (const char* value = after(line, "eventfd-semaphore:")) semaphore = read_decimal(value);
  }
  if (info.error() < 0) return info.error();
  if (semaphore == 2) semaphore = is_semaphore(old.fd, count) ? 1 : 0;
  const int flags = (old.status_flags & O_NONBLOCK) | (semaphore != 0 ? EFD_SEMAPHORE : 0);
  const int fresh = eventfd(0, flags);
  if (fresh < 0) return -errno;
  if (count > 0) sys(SYS_write, fresh, &count, sizeof count);
  return move_to(fresh, old);
}

}  // namespace prefork
