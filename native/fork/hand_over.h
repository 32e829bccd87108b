// execve(2) of a process that is to lose no signal by it.
//
// Invariant: from the moment in which the threads are stopped no handler runs in this process, and
// the new program begins with `signals` blocked. So each that has come is either noted, and is made
// pending again, or is pending: exec keeps pending signals and the mask of the thread that calls it
// (execve(2)), and that thread is the main one, as which the new program goes on. For the time in
// which Node starts see posix/signals_at_start.h.
//
// The kernel's wish of children to die with this process stays theirs: their parent is this thread,
// which does not end (prctl(2), PR_SET_PDEATHSIG).
#pragma once

#include <stddef.h>

namespace prefork {

struct Program {
  const char* path;
  char* const* arguments;
  char* const* environment;
};

struct Numbers {
  const int* list;
  size_t count;
};

// Becomes another program, which inherits `descriptors` and has to take signals off its mask. Comes
// back with -errno only: then all is as it was, and `descriptors` are closed on exec. For the main
// thread.
int hand_over(const Program& program, Numbers signals, Numbers descriptors);

}  // namespace prefork
