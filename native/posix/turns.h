// Sockets that share a port (SO_REUSEPORT) and take turns: a program in the kernel chooses the next
// one for each new connection. Without it the kernel chooses by a hash of the addresses.
#pragma once

#include <stdint.h>

namespace prefork {

// Both are closed on exec, and needed for changes only: the sockets keep the program, and the
// program keeps what these refer to.
struct Turns {
  int sockets;  // by slot: BPF_MAP_TYPE_REUSEPORT_SOCKARRAY
  int order;    // how many have turns, whose is next, and their slots in order: BPF_MAP_TYPE_ARRAY
};

// For the group that `socket` is in, or will be when it listens, with slots for `capacity` sockets.
// 0 or -errno: -EPERM without CAP_BPF and CAP_NET_ADMIN, -EINVAL on a kernel before 5.12.
int take_turns(int socket, uint32_t capacity, Turns* out);

// Puts a listening socket into a slot.
int set_turn_socket(const Turns& turns, uint32_t slot, int socket);

// From now on these have turns, in this order; none: by hash again.
int set_turn_order(const Turns& turns, const uint32_t* slots, uint32_t count);

}  // namespace prefork
