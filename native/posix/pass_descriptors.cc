#include "posix/pass_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "posix/answer.h"
#include "posix/retry_on_eintr.h"

namespace prefork {

namespace {

// Room for one control message, where one can be aligned.
class Control {
 public:
  explicit Control(size_t count)
      : size_(CMSG_SPACE(count * sizeof(int))), data_(calloc(1, size_)) {}
  ~Control() { free(data_); }
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  void* data() const { return data_; }

 private:
  const size_t size_;
  void* const data_;
};

// Not CMSG_SPACE, whose padding is room for one more on 64 bits, which nobody would close.
size_t control_length(size_t descriptors) { return CMSG_LEN(descriptors * sizeof(int)); }

msghdr message_of(iovec* part, const Control& control, size_t descriptors) {
  msghdr message = {};
  message.msg_iov = part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control_length(descriptors);
  return message;
}

size_t take_descriptors(msghdr* message, Descriptors room) {
  size_t count = 0;
  for (cmsghdr* each = CMSG_FIRSTHDR(message); each != nullptr; each = CMSG_NXTHDR(message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const size_t here = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < here && count < room.count; i++) {
      memcpy(&room.list[count++], CMSG_DATA(each) + i * sizeof(int), sizeof(int));
    }
  }
  return count;
}

}  // namespace

long send_with_descriptors(int socket, Bytes bytes, Descriptors descriptors, int flags) {
  const Control control(descriptors.count);
  if (control.data() == nullptr) return -ENOMEM;
  iovec part = {bytes.data, bytes.size};
  msghdr message = message_of(&part, control, descriptors.count);

  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = control_length(descriptors.count);
  if (descriptors.count > 0)
    memcpy(CMSG_DATA(header), descriptors.list, descriptors.count * sizeof(int));

  return answer(retry_on_eintr(
      [&] { return sendmsg(socket, &message, flags | MSG_DONTWAIT | MSG_NOSIGNAL); }));
}

long receive_with_descriptors(int socket, Bytes bytes, Descriptors room, int flags,
                              Received* received) {
  const Control control(room.count);
  if (control.data() == nullptr) return -ENOMEM;
  iovec part = {bytes.data, bytes.size};
  msghdr message = message_of(&part, control, room.count);
  const ssize_t got = retry_on_eintr(
      [&] { return recvmsg(socket, &message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC); });
  if (got == -1) return -errno;
  *received = {take_descriptors(&message, room), message.msg_flags & ~MSG_CMSG_CLOEXEC};
  return got;
}

int is_blocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags == -1) return -errno;
  return (flags & O_NONBLOCK) == 0 ? 1 : 0;
}

}  // namespace prefork
