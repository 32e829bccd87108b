// What a parent needs that only looks after its workers: one mapping that it shares with them, and
// one wait for everything that may happen, in which it spends its life.
//
// The first word of the mapping is the bell. Invariant: whoever has news first makes them visible
// (a signal's bit, a child that can be reaped, a worker's line in the mapping), then moves the
// bell, then wakes. The parent notes where the bell stands, then looks at all the news, and sleeps
// only while the bell has not moved since. So nothing is missed between the look and the sleep, and
// no descriptor, queue or message is needed.
#pragma once

#include <stddef.h>

namespace prefork {

constexpr size_t kSharedBytes = 512 * 1024;

// The mapping, made by the first call in the family of processes: zeroes. nullptr if there is no
// memory. Later forks share it.
void* shared_memory();

// Moves the bell. From a worker, or from a signal handler.
void ring_bell();

// From now on these signals are noted and move the bell, whatever was done about them before.
// 0 or -errno.
int begin_supervising(const int* signals, size_t count);

// Sleeps until the bell has moved since the last call returned, at most so many milliseconds (-1:
// no limit). Answers the signals that have come, a bit for each.
int await_news(int milliseconds);

// Any child of this process that has ended, also one that it has inherited: its pid, and `status`
// is filled; 0 if none is ready, -ECHILD if there is none.
long reap_any_child(int* status);

// In a forked child: what was done about the signals before begin_supervising() is done again.
// Answers those that came to the child meanwhile.
int end_supervising();

}  // namespace prefork
