#include "posix/handshakes.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix/answer.h"
#include "posix/retry_on_eintr.h"

namespace prefork {

namespace {

// sock_diag(7). The kernel looks through its table by itself: /proc/net/tcp would have it write
// down every connection of the machine, closed ones included.
struct Request {
  nlmsghdr header;
  inet_diag_req_v2 wanted;
};

struct Found {
  uint64_t* numbers;
  int room;
  int count;
};

int ask(int fd, int family, uint16_t port) {
  Request request = {};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.wanted.sdiag_family = static_cast<uint8_t>(family);
  request.wanted.sdiag_protocol = IPPROTO_TCP;
  request.wanted.idiag_states = 1 << TCP_SYN_RECV;
  request.wanted.id.idiag_sport = htons(port);
  const auto sent = retry_on_eintr([&] { return send(fd, &request, sizeof(request), 0); });
  return sent == -1 ? -errno : 0;
}

void note(const inet_diag_msg& one, Found* found) {
  const uint64_t high = one.id.idiag_cookie[1];
  if (found->count < found->room) {
    found->numbers[found->count] = high << 32 | one.id.idiag_cookie[0];
  }
  found->count++;
}

// 1: there is more to come; 0: that was all; -errno.
int take(const char* bytes, size_t length, Found* found) {
  auto* header = reinterpret_cast<const nlmsghdr*>(bytes);
  for (; NLMSG_OK(header, length); header = NLMSG_NEXT(header, length)) {
    const void* content = NLMSG_DATA(header);
    if (header->nlmsg_type == NLMSG_DONE) return 0;
    if (header->nlmsg_type == NLMSG_ERROR) return static_cast<const nlmsgerr*>(content)->error;
    note(*static_cast<const inet_diag_msg*>(content), found);
  }
  return 1;
}

int take_all(int fd, Found* found) {
  alignas(nlmsghdr) char bytes[16 * 1024];
  for (;;) {
    const auto length = retry_on_eintr([&] { return recv(fd, bytes, sizeof(bytes), 0); });
    if (length == -1) return -errno;
    const int more = take(bytes, static_cast<size_t>(length), found);
    if (more <= 0) return more;
  }
}

}  // namespace

int list_handshakes(int family, uint16_t port, uint64_t* numbers, int room) {
  const int fd = answer(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (fd < 0) return fd;

  Found found = {numbers, room, 0};
  int error = ask(fd, family, port);
  if (error == 0) error = take_all(fd, &found);
  close(fd);
  return error < 0 ? error : found.count;
}

}  // namespace prefork
