#include "posix/poll_set.h"

#include <errno.h>
#include <sys/epoll.h>

#include "posix/answer.h"

namespace prefork {

int open_poll_set() { return answer(epoll_create1(EPOLL_CLOEXEC)); }

int add_to_poll_set(int set, int fd) {
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  return answer(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}

int remove_from_poll_set(int set, int fd) {
  epoll_event ignored = {};  // Linux before 2.6.9 wanted one
  return answer(epoll_ctl(set, EPOLL_CTL_DEL, fd, &ignored));
}

int readable_in_poll_set(int set, int* fds, size_t room) {
  constexpr size_t kMost = 64;
  epoll_event events[kMost];
  const int count = epoll_wait(set, events, static_cast<int>(room < kMost ? room : kMost), 0);
  if (count == -1) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < count; ++i) fds[i] = events[i].data.fd;
  return count;
}

}  // namespace prefork
