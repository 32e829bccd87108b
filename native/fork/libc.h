// What glibc and musl do differently, where it matters to threads that are brought back: all of it
// is here and in libc.cc.
//
//                                  glibc                           musl
//   signals that it keeps          32, 33                          32, 33, 34
//   of these, for all threads      33 (setuid)                     34 (setuid)
//   what the kernel clears when    the thread's tid, in its        the lock of the list of threads:
//     a thread ends                record (a joiner waits for it)  it is given up with the thread
//   a thread's own tid             the same word                   a word of its record
//   list of threads                parked with them, whole         parked with them, whole; _Fork()
//                                                                  would empty it
//   owners of locks, by tid        rwlocks, recursive mutexes,     recursive mutexes, stdio, the
//   list
//                                  stdio                           of threads
//   setuid() in a child            misses threads that have their  could wait for ever: it counts
//   on
//                                  old tid (see credentials.h)     an answer from each tid
//   rseq, remembered scheduling    since 2.35; yes                 no; asks the kernel each time
//
// (nptl/descr.h, nptl/pthread_create.c; musl src/internal/pthread_impl.h, src/thread/synccall.c,
// src/process/_Fork.c.)
#pragma once

#include <features.h>
#include <sys/types.h>

namespace prefork {

// The one that goes to all threads is never blocked but for moments in which the library itself
// does it, and rt_sigaction(2) takes a handler for it.
#if defined(__GLIBC__)
constexpr const char* kLibc = "glibc";
constexpr int kStopSignal = 33;
#else
constexpr const char* kLibc = "musl";
constexpr int kStopSignal = 34;
#endif

// Learns where a thread's tid is. Once, at load, while every thread of the caller's making may be
// relied on to have the library's own record. 0, or -ENOSYS where it cannot be had.
int find_tid_word();

// Where the library keeps the calling thread's tid. nullptr in a thread that is not the library's
// own, or where the kernel does not say.
pid_t* tid_word();

// What the kernel clears, and wakes, when the calling thread ends. nullptr where it does not say
// (PR_GET_TID_ADDRESS needs CONFIG_CHECKPOINT_RESTORE).
pid_t* cleared_word();

}  // namespace prefork
