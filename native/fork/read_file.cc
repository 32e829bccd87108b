#include "fork/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "fork/procfs.h"

namespace prefork {

namespace {

bool holds_lock(int fd) {
  Lines info(fdinfo_path(fd));
  while (const char* line = info.next()) {
    if (after(line, "lock:") != nullptr) return true;
  }
  return false;
}

}  // namespace

// Another thread may be in the middle of it, in parent and child: of one position in the file each
// of the two would get a part. Seen as a module that a worker thread found empty, while another one
// forked. What may not be opened again (it was opened as another user) stays shared, as all files
// that can be written do; so does a file that is locked, because the lock is the child's as well.
int renew_read_file(const Descriptor& old) {
  if (holds_lock(old.fd)) return 0;
  const int flags = old.status_flags & (O_NONBLOCK | O_NOATIME | O_DIRECT | O_DIRECTORY);
  const long fresh =
      sys(SYS_openat, AT_FDCWD, fd_path(old.fd), O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
  if (fresh == -EMFILE || fresh == -ENFILE || fresh == -ENOMEM) return static_cast<int>(fresh);
  if (fresh < 0) return 0;
  lseek(static_cast<int>(fresh), lseek(old.fd, 0, SEEK_CUR), SEEK_SET);
  return move_to(static_cast<int>(fresh), old);
}

}  // namespace prefork
