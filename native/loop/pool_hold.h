// libuv's thread pool, held up for a moment: each of its threads sleeps in a work of ours, so that
// none has anything else in hand. What was handed to the pool before has been done by then, what
// comes later waits. libuv has one pool for all loops of a process.
#pragma once

#include <stdint.h>
#include <uv.h>

namespace prefork {

// At load: how many threads the pool will have, as libuv reads it (UV_THREADPOOL_SIZE).
void learn_pool_size();

struct PoolHold;

// Calls `held` in the loop when all threads of the pool sleep, or when the time is over; once, and
// not before this returns. nullptr without memory.
PoolHold* hold_pool(uv_loop_t* loop, uint64_t milliseconds, void (*held)(void* context),
                    void* context);

// Lets the pool go on. The hold is gone, and `held` will not be called any more.
void release_pool(PoolHold* hold);

// How many threads of the pool do not sleep. `alone`: no other loop of this process uses the pool,
// so that where this loop has nothing else in flight there can be no more threads than do sleep.
int threads_not_held(const PoolHold* hold, bool alone);

bool is_any_held(const PoolHold* hold);

// Whether a thread sleeps in a hold; the threads may be stopped.
bool is_held_up(uintptr_t thread_pointer);

// What the threads of the pool were made to run, as `own_start_routine` says in one of them.
void learn_pool_routine(uintptr_t (*own_start_routine)());
uintptr_t pool_routine();

// In the child of a quiet fork, which has none of these threads: there is no hold. The pool must be
// new before it is used. `missing` threads had something in hand.
void forget_holds();
int renew_pool(uv_loop_t* loop, int missing);

}  // namespace prefork
