// Connections that are being made.
#pragma once

#include <stdint.h>

namespace prefork {

// Those of one family (AF_INET, AF_INET6) to a TCP port, in this network namespace: how many there
// are, or -errno. Stores the number that the kernel gives each, as many as there is room for.
int list_handshakes(int family, uint16_t port, uint64_t* numbers, int room);

}  // namespace prefork
