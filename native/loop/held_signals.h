// Signals held back from all listeners in this process until they are released.
//
// Node cannot hold a signal back from a listener that others have attached. So the signal's action
// is taken from libuv, which goes on believing that it has it: a handle of our own is the first to
// listen and the last to stop, and only then does libuv touch the action (src/unix/signal.c,
// uv__signal_start and uv__signal_stop). Listeners can be attached and removed meanwhile as usual.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

namespace prefork {

// Once in a process. `arrived` is called in the loop after one of them has come. 0 or -errno.
int hold_signals(uv_loop_t* loop, const int* signals, size_t count, void (*arrived)());

// Those that have come since the last call, a bit for each.
uint32_t take_held_signals();

// From now on it reaches its listeners, or has its default effect. Does nothing if it is not held.
void release_signal(int signal);

// Releases all; `closed` follows in a later turn of the loop.
void stop_holding_signals(void (*closed)());

}  // namespace prefork
