// Every other thread of the process: stop it, let it go on, or bring it back in a forked child.
//
// Invariant: between a stop_threads() that answered 0 and release_threads(), the calling thread is
// the only one of the process that executes anything but the park loop in threads.cc. A parked
// thread may hold malloc's, stdio's or the dynamic loader's locks, so the caller must need none.
#pragma once

#include <stdint.h>

#include "fork/arch.h"

namespace prefork {

// Learns at load what cannot be asked while threads are stopped. 0, or -ENOSYS where a thread's tid
// word cannot be had or does not hold the tid (see kernel_state.h).
int prepare_threads();

// Stops every other thread. -ETIMEDOUT if one does not answer within `milliseconds`; -EAGAIN if the
// queue of real-time signals is full (man 2 sigqueue); -E2BIG above 16,384 threads. On an error
// nothing stays stopped.
int stop_threads(int milliseconds);

// Lets the threads of this process go on: in the parent those that were parked, in the child those
// that bring_back_threads() made.
void release_threads();

// Sleeps between two attempts to stop the threads at a better moment, the longer the more there
// were before. Without a pause a thread that waits for a processor would find the next signal
// pending when it gets one, and make no progress at all.
void let_threads_run(int attempt);

// A thread that was parked.
struct StoppedThread {
  int tid;
  uintptr_t thread_pointer;  // the address of its TLS
  bool idle;                 // waiting in its event loop
  Position position;
};

// In the parent, until the next stop: those for which `stays` holds will not be brought back.
// Answers whether `may_stay` holds for each of them.
bool leave_behind(bool (*stays)(const StoppedThread&), bool (*may_stay)(const StoppedThread&));

// In the child: makes a new thread for each that was parked, on its own stack, with its own TLS,
// but for those that are left behind. They wait for release_threads(). -errno of the clone that
// failed; the child must then end.
int bring_back_threads();

// In the child, for the thread that has forked. It keeps the number that locks know it by, as those
// that are brought back do, until it calls take_new_tid() (settle.h).
void keep_tid();

void for_each_stopped_thread(void (*visit)(const StoppedThread& thread));

// Stops every other thread, has each call `action` in a signal handler, and waits until all have.
// For the caller as well: `action` must need no lock. Errors as for stop_threads().
int run_in_other_threads(void (*action)(), int milliseconds);

}  // namespace prefork
