// Files by directory and name, one system call a function: the value it asks for, or -errno.
// lib/manager/system/paths.ts walks a path by these, and decides which directories to trust.
#pragma once

#include <stddef.h>
#include <sys/types.h>

namespace prefork {

// Closed on exec. `directory` may be AT_FDCWD.
int open_at(int directory, const char* name, int flags, mode_t mode);
int unlink_at(int directory, const char* name);

// What prevents a process from being the only writer of a file.
enum class Lock { kTaken = 0, kHeld = 1, kRead = 2 };

// Locks the file for as long as this open file exists in any process (F_OFD_SETLK of fcntl(2)), or
// says who holds it: somebody who may write to the file, or one who may only read it, which anybody
// can. A Lock, or -errno.
int lock_file(int fd);

// Whether somebody listens on the Unix socket at `path`: 1, 0, or -errno. It asks as any client
// would, so that links, other names of the file and network namespaces make no difference.
int is_served(const char* path, size_t length);

}  // namespace prefork
