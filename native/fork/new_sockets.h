// Sockets that are neither bound nor connected yet. A thread that is stopped between socket(2) and
// bind(2) or connect(2) goes on in both processes, and both have the same socket: to the second of
// them the kernel says EINVAL, or that it is connected already. So a fork waits until there are
// none, but for those that somebody keeps that way.
#pragma once

#include <sys/types.h>

namespace prefork {

// All threads stopped, like the rest: before the descriptors are looked at once more.
void look_for_new_sockets();

// For each socket. One that is found new again and again is taken to be kept: no fork waits for it
// any more, here or in a child.
void note_socket(int fd, ino_t inode);

// Whether one of them may be on the way to its address.
bool has_new_sockets();

}  // namespace prefork
