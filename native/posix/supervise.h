// For a process that only looks after others: the memory that it shares with them, and one wait for
// everything that may happen, in which it spends its life.
//
// Invariant of the wait: news is made visible first (a signal's bit, a child that can be reaped, a
// message in a channel), then a descriptor is made readable. So nothing is missed between a look at
// the news and the next sleep. The descriptor of signals belongs to this process alone: no other
// process can silence it, as it could a word in shared memory.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

namespace prefork {

constexpr size_t kSharedBytes = (1024 + 80 + 520) * 1024;

// The mapping, made by the first call in the family of processes: zeroes. nullptr if there is no
// memory. Later forks share it.
void* shared_memory();

// From now on the mapping is this file's, which is made long enough: those who take this process
// over, or are handed the file, have the same. Before anything else has made it: 0, -EEXIST, or
// -errno.
int share_memory_file(int fd);

// From now on these signals are noted and end the wait, whatever their action was before. 0 or
// -errno.
//
// What the kernel itself sends is no command: SIGTTIN and SIGTTOU are for a job in the background
// that touches the terminal, and SIGHUP says that the terminal has gone, which counts as SIGTERM.
// The shell's job is stopped by the former: with `stops_with_job` so is this process, as a process
// is that knows nothing of them.
int begin_supervising(const int* signals, size_t count, bool stops_with_job);

// Those that have come and not been told of, which are forgotten. For code that needs no lock.
uint32_t take_noted_signals();

// Sleeps until a signal has come or one of `channels` can be read, at most so many milliseconds
// (-1: no limit). Answers the signals that have come, a bit for each. May wake early.
int await_news(int milliseconds, const int* channels, size_t count);

// Any child of this process that has ended, also one that it has inherited: its pid, and `status`
// is filled; 0 if none is ready, -ECHILD if there is none.
long reap_any_child(int* status);

// Whether `pid` is a child of this process, alive or not yet reaped.
bool has_child(pid_t pid);

// In a forked child: restores the actions that the signals had before begin_supervising(). Answers
// those that have come to the child meanwhile.
int end_supervising();

}  // namespace prefork
