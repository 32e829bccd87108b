// What glibc and musl do differently, where it matters to threads that are brought back: all of it
// is here and in libc.cc.
//
// clang-format off
//                              glibc                        musl
//   signals that it keeps      32, 33                       32, 33, 34
//   the one for all threads    33 (setuid)                  34 (setuid)
//   cleared by the kernel      the thread's tid, in its     the lock of the list of threads, which
//     when a thread ends       record: a joiner waits       is given up with the thread
//   a thread's own tid         the same word                a word of its record
//   the list of threads        parked with them, whole      parked with them, whole; its _Fork()
//                                                           would empty it
//   locks that know their      rwlocks, recursive           recursive mutexes, stdio, the list of
//     owner by tid             mutexes, stdio               threads
//   setuid() in a child        misses threads that have     could wait without end: it counts on
//                              their old tid (see           an answer from each tid
//                              credentials.h)
//   rseq                       since 2.35                   no
//   scheduling                 remembered                   asks the kernel each time
//   raise(), abort(), gettid() ask the kernel               read the record
//   mutexes that know their    nobody knows                 are in a list of the thread's record
//     owner, and are held
// clang-format on
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
constexpr bool kCanKeepTid = true;
#else
constexpr const char* kLibc = "musl";
constexpr int kStopSignal = 34;
// With its old number the thread that has forked would send its SIGABRT to the parent.
constexpr bool kCanKeepTid = false;
#endif

// Learns where a thread's tid is. Once, at load, while every thread of the caller's making may be
// relied on to have the library's own record. 0, or -ENOSYS where it cannot be had.
int find_tid_word();

// Where the library keeps the calling thread's tid. nullptr in a thread that is not the library's
// own, or where the kernel does not say.
pid_t* tid_word();

// The calling thread has a new tid in its record. Where the mutexes are known that it holds, they
// take that for their owner's: those of this process alone.
void own_mutexes_by(pid_t new_tid, pid_t old_tid);

// What the kernel clears, and wakes, when the calling thread ends. nullptr where it does not say
// (PR_GET_TID_ADDRESS needs CONFIG_CHECKPOINT_RESTORE).
pid_t* cleared_word();

}  // namespace prefork
