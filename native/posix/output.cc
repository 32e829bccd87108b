#include "posix/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/answer.h"
#include "posix/retry_on_eintr.h"
#include "posix/socket.h"

namespace prefork {

namespace {

long write_some(int fd, const char* bytes, size_t length) {
  return answer(retry_on_eintr([=] { return write(fd, bytes, length); }));
}

// splice(2) alone can be told not to wait for room in somebody else's pipe, whatever that pipe's
// flags. It takes the bytes from a pipe of our own.
long write_to_pipe(int fd, const char* bytes, size_t length) {
  int own[2];
  if (pipe2(own, O_CLOEXEC | O_NONBLOCK) == -1) return -errno;
  long result = write_some(own[1], bytes, length);
  if (result > 0) {
    result = answer(
        splice(own[0], nullptr, fd, nullptr, static_cast<size_t>(result), SPLICE_F_NONBLOCK));
  }
  close(own[0]);
  close(own[1]);
  return result;
}

// By an open file of our own where that can be had: only for a terminal of the same user.
long write_to_own_terminal(int fd, const char* bytes, size_t length) {
  char name[32];
  snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
  const int own = open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (own >= 0) {
    const long result = write_some(own, bytes, length);
    close(own);
    return result;
  }
  pollfd terminal = {fd, POLLOUT, 0};
  if (poll(&terminal, 1, 0) != 1) return -EAGAIN;
  return write_some(fd, bytes, length);
}

// With `stty tostop` the kernel sends a background job SIGTTOU for each write, unless that is
// blocked (termios(3)); a handler that restarts the call would run again and again.
long write_to_terminal(int fd, const char* bytes, size_t length) {
  sigset_t terminal_output, before;
  sigemptyset(&terminal_output);
  sigaddset(&terminal_output, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &terminal_output, &before);
  const long result = write_to_own_terminal(fd, bytes, length);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return result;
}

}  // namespace

long write_now(int fd, const char* bytes, size_t length) {
  struct stat about;
  if (fstat(fd, &about) == -1) return -errno;
  if (S_ISSOCK(about.st_mode)) {
    return answer(send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  if (S_ISFIFO(about.st_mode)) return write_to_pipe(fd, bytes, length);
  if (S_ISCHR(about.st_mode) && isatty(fd)) return write_to_terminal(fd, bytes, length);
  return write_some(fd, bytes, length);
}

void await_room(int fd, int milliseconds) {
  pollfd output = {fd, POLLOUT, 0};
  poll(&output, 1, milliseconds);
}

int send_datagram(const char* path, size_t path_length, const char* text, size_t length) {
  Endpoint endpoint;
  const int error = unix_endpoint(path, path_length, &endpoint);
  if (error < 0) return error;
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd == -1) return -errno;
  const ssize_t sent =
      sendto(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL, endpoint.raw(), endpoint.length);
  const int result = sent == -1 ? -errno : 0;
  close(fd);
  return result;
}

int hears_datagrams(const char* path, size_t path_length) {
  Endpoint endpoint;
  const int error = unix_endpoint(path, path_length, &endpoint);
  if (error < 0) return error;
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd == -1) return -errno;
  const int failure = connect(fd, endpoint.raw(), endpoint.length) == 0 ? 0 : errno;
  close(fd);
  if (failure == ECONNREFUSED || failure == ENOENT) return 0;
  return failure == 0 ? 1 : -failure;
}

}  // namespace prefork
