#include "posix/closing_filter.h"

#include <linux/filter.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "posix/answer.h"

namespace prefork {

namespace {

// Packets pass the filter of the listener before anything else sees them (net/ipv4/tcp_ipv4.c,
// tcp_v4_rcv), from the TCP header on: byte 13 holds the flags. A dropped SYN is sent again a
// second later, when the port is closed, or served by others.
constexpr uint32_t kFlags = 13, kSyn = 0x02, kSynAndAck = 0x12;
constexpr sock_filter kProgram[] = {
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlags), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSynAndAck),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
    BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
constexpr size_t kLength = sizeof(kProgram) / sizeof(kProgram[0]);

}  // namespace

int refuse_new(int fd) {
  const sock_fprog filter = {kLength, const_cast<sock_filter*>(kProgram)};
  return answer(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
}

// The kernel counts in instructions, and has no answer for more than there is room for
// (net/core/filter.c, sk_get_filter).
int refuses_new(int fd) {
  sock_filter found[kLength] = {};
  socklen_t length = kLength;
  const int error = answer(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, found, &length));
  if (error < 0) return error;
  return length == kLength && memcmp(found, kProgram, sizeof(kProgram)) == 0 ? 1 : 0;
}

}  // namespace prefork
