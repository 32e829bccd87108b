// Writing that never waits for whoever reads.
#pragma once

#include <stddef.h>

namespace prefork {

// As many of the bytes as there is room for at once: how many, -EAGAIN if there is none, or -errno.
//
// Not by O_NONBLOCK, which belongs to the open file: everybody who has inherited it, the shell that
// started us and the workers included, would find writes failing with EAGAIN. Nor by asking poll(2)
// first: between the answer and the write a worker may fill the pipe, and the write waits after
// all.
long write_now(int fd, const char* bytes, size_t length);

// Waits until write_now is worth trying, at most so many milliseconds.
void await_room(int fd, int milliseconds);

// A datagram to the Unix socket at `path`, in the abstract namespace if it begins with NUL: 0, or
// -errno; -EAGAIN if its reader is behind.
int send_datagram(const char* path, size_t path_length, const char* text, size_t length);

}  // namespace prefork
