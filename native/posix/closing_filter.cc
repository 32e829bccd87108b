#include "posix/closing_filter.h"

#include <linux/filter.h>
#include <stdint.h>
#include <sys/socket.h>

#include "posix/answer.h"
#include "posix/socket.h"

namespace prefork {

// Packets pass the filter of the listener before anything else sees them (net/ipv4/tcp_ipv4.c,
// tcp_v4_rcv), from the TCP header on: byte 13 holds the flags. A dropped SYN is sent again a
// second later, when the port is closed, or served by others.
int refuse_new(int fd) {
  constexpr uint32_t kFlags = 13, kSyn = 0x02, kSynAndAck = 0x12;
  sock_filter program[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlags),
                           BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSynAndAck),
                           BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1),
                           BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
  const sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};
  if (get_option(fd, SOL_SOCKET, SO_DOMAIN) == AF_UNIX) return 0;  // no packets
  return answer(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)));
}

}  // namespace prefork
