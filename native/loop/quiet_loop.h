// In the child of a quiet fork: an event loop on which nothing of the parent's is left, and that
// works for what comes.
//
// Invariant: called between two phases of a turn of the loop, in its check phase behind Node's own
// handle, so that no batch of events, timers or completions is in anybody's hand; with the pool's
// threads and those of other loops gone, so that nobody else touches what is changed here. After
// it, the loop calls nobody but Node's own machinery (its timer, its immediates, its tasks), and
// whom the child adds.
#pragma once

#include <uv.h>

namespace prefork {

// Handles that are known by their callbacks alone: ports of node:worker_threads and threadsafe
// functions of Node-API. Learned from one of each, which must be the loop's newest async handle.
void learn_message_callback(uv_loop_t* loop);

// `node_symbol` is any function of Node's: handles of the kinds that Node needs for itself are told
// by their callbacks' place from those of add-ons.
void quiet_loop(uv_loop_t* loop, const void* node_symbol);

// Has `handle`, which has been started, be called after all other check handles of its loop.
void move_check_to_end(uv_check_t* handle);

}  // namespace prefork
