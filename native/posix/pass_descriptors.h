// Descriptors in messages of Unix sockets (unix(7), SCM_RIGHTS). Never blocks.
#pragma once

#include <stddef.h>

namespace prefork {

struct Bytes {
  void* data;
  size_t size;
};

struct Descriptors {
  int* list;
  size_t count;
};

// The number of bytes sent, or -errno.
long send_with_descriptors(int socket, Bytes bytes, Descriptors descriptors, int flags);

// What a message brought.
struct Received {
  size_t descriptors;  // how many of them; close-on-exec
  int flags;           // MSG_CTRUNC: some were lost, because there was no room for more
};

// The number of bytes received, 0 at the end of the stream, or -errno.
long receive_with_descriptors(int socket, Bytes bytes, Descriptors room, int flags,
                              Received* received);

// 1, 0, or -errno.
int is_blocking(int fd);

}  // namespace prefork
