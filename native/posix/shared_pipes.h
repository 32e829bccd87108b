// The pipes that this library makes for talking between parent and child. fork() gives the child
// its own copy of every pipe of which both ends are in the process, except of these.
#pragma once

#include <sys/types.h>

namespace prefork {

// Registers a pipe by its inode. 0, or -ENOMEM. May allocate; takes no lock, from any thread.
int share_pipe(ino_t inode);

// Both may be called while every other thread is stopped, wherever it was stopped: no lock, no
// allocation.
bool is_shared_pipe(ino_t inode);

// Forgets the pipes that `is_open` denies, so that a program which keeps making pipes does not fill
// the memory; fork() knows which are open.
void keep_shared_pipes(bool (*is_open)(ino_t inode, void* context), void* context);

}  // namespace prefork
