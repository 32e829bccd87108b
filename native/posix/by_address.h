// Sockets that share a port (SO_REUSEPORT): the address of a client decides which one gets its
// connections, by a program in the kernel that needs no rights (SO_ATTACH_REUSEPORT_CBPF).
#pragma once

#include <stdint.h>

namespace prefork {

// As many as a program has room for.
constexpr uint32_t kMostByAddress = 256;

// One that clients are given to. `id` stands for it when another one is added or taken away: of the
// clients of the others nobody moves but to the new one, and those of one taken away are spread.
struct Choice {
  uint32_t id;
  uint32_t position;  // among the sockets of the port, in the order in which they began to listen
};

// For all sockets of the port of `socket`, until the next call. 0, or -errno; -E2BIG: too many.
int choose_by_address(int socket, const Choice* choices, uint32_t count);

}  // namespace prefork
