// Which number a thread of a child has: see docs/fork-safety.md, "Thread ids".
//
// The C library keeps each thread's tid in the thread's own record, and locks name their owner by
// it (a recursive mutex; glibc's write-locked rwlock; see libc.h). So a thread that was brought
// back keeps the number it had in the parent for as long as it may hold such a lock, and takes its
// new one when it is next seen waiting in its event loop; the one that has forked, which may have
// been called by a library that holds such a lock, when its loop turns. Until then calls that hand
// the number to the kernel miss it (pthread_kill; setuid in all threads, see credentials.h).
// Threads without an event loop, those of a thread pool, keep the old number for good.
#pragma once

#include <stdint.h>

namespace prefork {

// What the timer's signal carries; the tickets of threads.cc are odd.
constexpr uintptr_t kSettle = 2;

// In the child, for a thread that was brought back: sets a timer, whose signal is for
// settle_if_in_event_loop().
void start_settling();

// In the handler of that signal: takes the new number, or sets the timer again.
void settle_if_in_event_loop(const void* context);

// When the calling thread can hold no such lock, or where those that it holds are known (libc.h).
void take_new_tid();

}  // namespace prefork
