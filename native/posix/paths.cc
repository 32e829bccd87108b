#include "posix/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "posix/answer.h"
#include "posix/retry_on_eintr.h"
#include "posix/socket.h"

namespace prefork {

namespace {

struct flock whole_file(short type) {
  struct flock whole = {};  // l_pid has to be 0
  whole.l_type = type;
  whole.l_whence = SEEK_SET;
  return whole;
}

// A write lock needs a file opened for writing.
int holder_of(int fd) {
  struct flock wanted = whole_file(F_WRLCK);
  if (fcntl(fd, F_OFD_GETLK, &wanted) == -1) return -errno;
  return static_cast<int>(wanted.l_type == F_RDLCK ? Lock::kRead : Lock::kHeld);
}

bool is_nobody_there(int error) { return error == ECONNREFUSED || error == ENOENT; }

}  // namespace

int open_at(int directory, const char* name, int flags, mode_t mode) {
  const int how = flags | O_CLOEXEC | O_NOCTTY;
  return answer(retry_on_eintr([=] { return openat(directory, name, how, mode); }));
}

int unlink_at(int directory, const char* name) { return answer(unlinkat(directory, name, 0)); }

int lock_file(int fd) {
  struct flock wanted = whole_file(F_WRLCK);
  if (fcntl(fd, F_OFD_SETLK, &wanted) == 0) return static_cast<int>(Lock::kTaken);
  if (errno != EAGAIN && errno != EACCES) return -errno;
  return holder_of(fd);
}

// A queue that is full answers EAGAIN, a socket of another type EPROTOTYPE: both are alive.
int is_served(const char* path, size_t length) {
  Endpoint endpoint;
  const int error = unix_endpoint(path, length, &endpoint);
  if (error < 0) return error;
  const int fd = open_stream(AF_UNIX, 0);
  if (fd < 0) return fd;
  const int failure = connect(fd, endpoint.raw(), endpoint.length) == 0 ? 0 : errno;
  close(fd);
  if (failure == 0 || failure == EAGAIN || failure == EPROTOTYPE) return 1;
  return is_nobody_there(failure) ? 0 : -failure;
}

}  // namespace prefork
