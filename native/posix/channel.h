// One connection between the process manager and each process that it looks after: a pair of
// SOCK_SEQPACKET sockets, made before the fork. Messages keep their borders, so that a peer cannot
// leave half of one; none is longer than the reader's buffer; nothing blocks.
//
// Descriptors go one way. The manager receives without room for any (msg_control is null),
// whereupon the kernel closes what a peer has sent along (man 7 unix, SCM_RIGHTS): a peer can
// neither fill the manager's table of descriptors nor hand it one that it did not open itself.
#pragma once

#include "posix/pass_descriptors.h"

namespace prefork {

// Two connected ends, non-blocking and closed on exec. 0 or -errno.
int open_channel(int ends[2]);

// One message, with descriptors. 0, -EAGAIN: the reader is too far behind, -EPIPE: it has gone.
int send_message(int fd, Bytes message, Descriptors passed);

// The next message: its size, 0 when the peer has gone, -EAGAIN when there is none, -EMSGSIZE when
// it was longer than the room and is lost. `passed` says for how many descriptors there is room,
// and then how many came; without room none is taken.
long receive_message(int fd, Bytes room, Descriptors* passed);

// Sleeps until there is something to receive, or the peer has gone, for at most so many
// milliseconds
// (-1: no limit). 1, 0 when the time is over, or -errno. Signals do not end it.
int await_message(int fd, int milliseconds);

}  // namespace prefork
