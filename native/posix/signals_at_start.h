// Signals that wait while a program starts that takes a process over.
//
// Node forgets what it was started with: one of the first things that it does is to unblock every
// signal and to make each do what it does by default (src/node.cc, PlatformInit), which for most of
// those that a process manager obeys is to end the process. It can be told otherwise only by what
// it calls. So a successor is started with this addon in LD_PRELOAD, where its pthread_sigmask()
// comes before the C library's.
//
// Invariant: signals that were blocked when the program was started stay blocked, whatever is
// called, until release_signals_at_start(). So none is delivered before it has a handler of ours,
// and the kernel keeps each that comes (signal(7), "pending"). Where the addon was only loaded as
// others are, nobody sees its pthread_sigmask(), and nothing is held.
#pragma once

#include <stddef.h>

namespace prefork {

// The environment variable that says that this program takes a process over.
constexpr char kSuccessionVariable[] = "PREFORK_SUCCESSION";

// Whether all of these are blocked in this thread.
bool are_signals_blocked(const int* signals, size_t count);

// Unblocks these in this thread. Other threads keep them blocked, so that they are this one's. 0 or
// -errno.
int release_signals_at_start(const int* signals, size_t count);

}  // namespace prefork
