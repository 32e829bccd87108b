// A server of this loop leaves a connection to other processes that share its socket and have room
// for it.
//
// Invariant: after each look at the queue either nothing waits there, or the timer runs, or the
// loop looks again in its next turn. A connection waits for others as long as the queue gets
// shorter, for a moment if those that are to take it are busy or stopped, and for some more if they
// are about to, and have no processor, or begin: boot beside this process, or answer their first
// requests. Then this process takes it. Nobody waits again soon for one that has not even looked
// meanwhile. So what another process does or says costs a connection that time at most.
//
// libuv calls accept(2) as soon as the socket is readable, and tells nobody before. So it watches
// the socket for nothing, and a second descriptor of it is watched here, for news (EPOLLET): the
// kernel tells of a connection once, and a process that leaves it to others sleeps.
#pragma once

#include <uv.h>

#include "posix/room.h"

namespace prefork {

struct GiveWay;

// Milliseconds.
struct Times {
  uint32_t moment;
  uint32_t youth;  // from now on, in which workers that boot are waited for
};

// For the TCP server of this loop that accepts by `socket`, and the worker of the view, whose mark
// `own` says that it does. What the view lacks is filled in. `released` is called when the memory
// is gone. 0, or -errno.
int give_way_start(uv_loop_t* loop, int socket, const View& view, Mark* own, Times times,
                   void (*released)(void* data), void* data, GiveWay** out);

// Before the server is closed.
void give_way_stop(GiveWay* self);

// In a child of the worker, which is nobody's line: it leaves nothing to others any more.
void give_way_never(GiveWay* self);

}  // namespace prefork
