// A process that may not grow beyond a limit: a thread of its own looks at it every few
// milliseconds, and kills it when it has grown too large.
//
// What counts is what is resident, and what was, and is swapped out: what a process changes in
// place of what it shares with its parent adds nothing, so it cannot be blamed for pages that its
// parent has changed, or for what it has inherited.
//
// Not by setrlimit(2): RLIMIT_AS and RLIMIT_DATA make allocations fail, and what V8 and others do
// then (write reports, wait for threads that cannot be started) may take time without end.
#pragma once

#include <stddef.h>
#include <sys/types.h>

namespace prefork {

// From now on this process may grow by so many bytes. When it has grown by more, one byte is
// written to `note`, and the process group `group`, and the process, are killed. Once in a process;
// its children have no limit. 0 or -errno.
int limit_memory(size_t bytes, pid_t group, int note);

}  // namespace prefork
