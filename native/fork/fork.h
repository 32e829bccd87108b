#pragma once

#include "fork/left_behind.h"

namespace prefork {

// Learns at load what fork_process() needs. 0, or -ENOSYS where this system lacks something.
int prepare_fork();

struct ForkOptions {
  int inspector_port = 0;  // sockets bound to it are cut off in the child; 0: none
  // Other threads may be in the middle of what they do with files and sockets, and go on with it in
  // the child, too (descriptors.h).
  bool threads_go_on = false;
  // The child becomes a child of this process's own parent (CLONE_PARENT): its sibling, which it
  // can neither wait for nor reap.
  bool as_sibling = false;
  // With glibc the forking thread keeps its number in the library's record, by which locks that it
  // holds know it, until it calls take_new_tid() (settle.h). With musl the locks are told the new
  // one at once (libc.h).
  bool keeps_tid = false;
  // The child gets back only some of the threads, and of the parent's epolls no member but what is
  // private to it (left_behind.h). nullptr: all of both.
  const LeavingBehind* quiet = nullptr;
  // In the child, whose descriptors are its own by then; under the contract of stopped threads.
  void (*before_threads_go_on)() = nullptr;
  // What the forking thread's event loop keeps of its io_uring: uv_loop_t's internal_fields.
  const void* loop_fields = nullptr;
};

// Duplicates the calling process with all its threads. Answers 0 in the child, the child's pid in
// the parent, or -errno in the parent, which is then as before and has no child:
//   -EAGAIN, -ENOMEM   no process or no memory for it (man 2 fork)
//   -EMFILE, -ENFILE   no descriptor free
//   -ETIMEDOUT         a thread did not stop in time
//   -ETIME             the child was not complete in time
//   -ECHILD            the child was killed before it was complete
//   -ENOTSUP           an io_uring that cannot be given to a child (see rings.h)
//   -ENOENT            no /proc
//   -EBUSY             a thread that is to be left behind was never where it may be
int fork_process(const ForkOptions& options);

}  // namespace prefork
