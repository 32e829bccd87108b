// The filter on a listening socket that is about to be closed.
#pragma once

namespace prefork {

// From now on a listening internet socket, in all processes that share it, takes no new connection,
// while those that are being made are completed and wait to be accepted as before. Without it
// closing the last descriptor would reset the ones that came between the last accept and the close.
int refuse_new(int fd);

}  // namespace prefork
