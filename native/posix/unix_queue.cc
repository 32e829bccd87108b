#include "posix/unix_queue.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "posix/retry_on_eintr.h"

namespace prefork {

namespace {

// sock_diag(7), which has the states of TCP for Unix sockets, too.
struct Request {
  nlmsghdr header;
  unix_diag_req body;
};

// The kernel has answered by the time that send(2) returns.
long ask(int fd, uint32_t inode, void* answer, size_t room) {
  Request request = {};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.body.sdiag_family = AF_UNIX;
  request.body.udiag_states = 1 << TCP_LISTEN;
  request.body.udiag_ino = inode;
  request.body.udiag_show = UDIAG_SHOW_RQLEN;
  memset(request.body.udiag_cookie, 0xff, sizeof(request.body.udiag_cookie));  // whichever it is
  if (retry_on_eintr([&] { return send(fd, &request, sizeof(request), 0); }) == -1) return -errno;
  const ssize_t size = recv(fd, answer, room, MSG_DONTWAIT);
  return size == -1 ? -errno : size;
}

int length_in(const nlmsghdr* header, size_t size) {
  if (!NLMSG_OK(header, size)) return -EPROTO;
  if (header->nlmsg_type == NLMSG_ERROR) {
    return header->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))
               ? -EPROTO
               : static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
  }
  if (header->nlmsg_len < NLMSG_LENGTH(sizeof(unix_diag_msg))) return -EPROTO;
  const auto* message = static_cast<const unix_diag_msg*>(NLMSG_DATA(header));
  if (message->udiag_state != TCP_LISTEN) return -ENOENT;
  const auto* attribute = reinterpret_cast<const rtattr*>(message + 1);
  auto left = static_cast<unsigned>(header->nlmsg_len - NLMSG_LENGTH(sizeof(*message)));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type != UNIX_DIAG_RQLEN) continue;
    if (RTA_PAYLOAD(attribute) < sizeof(unix_diag_rqlen)) return -EPROTO;
    unix_diag_rqlen lengths;
    memcpy(&lengths, RTA_DATA(attribute), sizeof(lengths));
    return static_cast<int>(lengths.udiag_rqueue);
  }
  return -ENOENT;
}

}  // namespace

int unix_queue_length(uint32_t inode) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd == -1) return -errno;
  alignas(nlmsghdr) char answer[1024];
  const long size = ask(fd, inode, answer, sizeof(answer));
  close(fd);
  if (size < 0) return static_cast<int>(size);
  return length_in(reinterpret_cast<const nlmsghdr*>(answer), static_cast<size_t>(size));
}

}  // namespace prefork
