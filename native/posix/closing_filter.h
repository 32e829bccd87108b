// The filter on a listening socket that is about to be closed.
#pragma once

namespace prefork {

// From now on a listening internet socket, in all processes that share it, takes no new connection,
// while those that are being made are completed and wait to be accepted as before. Without it
// closing the last descriptor would reset the ones that came between the last accept and the close.
// For a Unix socket, which has no packets, it is only a mark.
int refuse_new(int fd);

// Whether that has been done to it, in any process: 0, 1 or -errno.
int refuses_new(int fd);

}  // namespace prefork
