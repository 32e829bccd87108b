#include "posix/channel.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "posix/answer.h"
#include "posix/pass_descriptors.h"

namespace prefork {

namespace {

long milliseconds_now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

}  // namespace

int open_channel(int ends[2]) {
  const int type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
  return answer(socketpair(AF_UNIX, type, 0, ends));
}

int send_message(int fd, Bytes message, Descriptors passed) {
  const long sent = send_with_descriptors(fd, message, passed, MSG_NOSIGNAL);
  return sent < 0 ? static_cast<int>(sent) : 0;
}

long receive_message(int fd, Bytes room, Descriptors* passed) {
  Received received = {};
  const long size = receive_with_descriptors(fd, room, *passed, 0, &received);
  passed->count = size < 0 ? 0 : received.descriptors;
  return size >= 0 && (received.flags & MSG_TRUNC) != 0 ? -EMSGSIZE : size;
}

int await_message(int fd, int milliseconds) {
  const long end = milliseconds_now() + milliseconds;
  for (;;) {
    long left = milliseconds < 0 ? -1 : end - milliseconds_now();
    if (milliseconds >= 0 && left < 0) left = 0;
    pollfd readable = {fd, POLLIN, 0};
    const int result = poll(&readable, 1, static_cast<int>(left));
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

}  // namespace prefork
