// Several descriptors as one: it can be read when one of them can (man 7 epoll).
#pragma once

#include <stddef.h>

namespace prefork {

// Empty, closed on exec: a descriptor, or -errno.
int open_poll_set();

// From now on it can be read when `fd` can, or has ended. 0 or -errno.
int add_to_poll_set(int set, int fd);

// Before `fd` is closed, which may be open in other processes, too, and would stay in the set. 0 or
// -errno.
int remove_from_poll_set(int set, int fd);

// Those that can be read, as many as there is room for, without waiting: how many, or -errno.
int readable_in_poll_set(int set, int* fds, size_t room);

}  // namespace prefork
