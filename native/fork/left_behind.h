// Which threads the child of a quiet fork does not get back, and when they may be left behind.
//
// A thread that is left behind never runs again, and what it holds is held without end. So:
//
// Invariant: a thread is left behind only where it can hold no lock that anybody in the child may
// want. That is
//   - in the wait of its event loop (event_loop.h)
//   - in the work that holds it up (loop/pool_hold.h), which takes no lock
//   - in a system call that blocks and is none of malloc's, of a lock, or a message to an event
//     loop, which libuv sends with a mutex locked
//   - in JavaScript: neither V8 nor Node calls it with a lock held
// Where one is anywhere else, all go on and are stopped again a little later.
//
// Left behind are the threads of libuv's pool, and those with JavaScript: what they have in hand is
// not done twice. Brought back are all that were there when the addon was loaded (V8's helpers, its
// scheduler, the inspector's), whose absence V8 would notice, and those of native packages.
#pragma once

#include <stdint.h>

#include "posix/loaded_object.h"

namespace prefork {

struct LeavingBehind {
  Extent node;             // Node's code
  Extent libuv;            // the same, unless that is a library of its own
  Extent builtins;         // V8's, which are JavaScript's, too
  uintptr_t pool_routine;  // what the threads of libuv's pool run
  bool (*is_held_up)(uintptr_t thread_pointer);
};

// Once, at load: these threads come back, whatever they are, but for libuv's pool's and the ones
// with JavaScript that are known by then.
void note_first_threads();

// Of a thread that has JavaScript, by itself.
void note_javascript_thread();

// What the calling thread was made to run; 0 if that cannot be known.
uintptr_t own_start_routine();

// All threads stopped: recognises the first threads, whose numbers are others in a child.
void recognise_first_threads();

// All threads stopped. False if one is where it cannot be left.
bool leave_threads_behind(const LeavingBehind& leaving);

}  // namespace prefork
