// Writing that never waits for whoever reads.
#pragma once

#include <stddef.h>

namespace prefork {

// Writes as many bytes as there is room for: their number, -EAGAIN if there is no room, or -errno.
//
// Not by O_NONBLOCK, which belongs to the open file: writes of all who have inherited it, the shell
// that started us and the workers, would fail with EAGAIN. Nor by asking poll(2) first: before the
// write a worker may fill the pipe, and the write would wait.
long write_now(int fd, const char* bytes, size_t length);

// Waits until write_now is worth trying, at most so many milliseconds.
void await_room(int fd, int milliseconds);

// A datagram to the Unix socket at `path`, in the abstract namespace if it begins with NUL: 0, or
// -errno; -EAGAIN if its reader is behind.
int send_datagram(const char* path, size_t path_length, const char* text, size_t length);

// Whether somebody has that socket open: 1, 0 or -errno. Nothing is sent.
int hears_datagrams(const char* path, size_t path_length);

}  // namespace prefork
