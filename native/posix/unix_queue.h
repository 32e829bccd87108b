// How many connections wait in the queue of a Unix socket, which no file in /proc says.
#pragma once

#include <stdint.h>

namespace prefork {

// Of a socket that listens in the network namespace of this process, by its inode (fstat(2) of any
// descriptor of it, sock_diag(7)). -errno: -ENOENT if there is none, or the kernel has no
// unix_diag.
int unix_queue_length(uint32_t inode);

}  // namespace prefork
