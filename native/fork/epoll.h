// epoll: a set of members, which must be read before they are replaced, and added after.
//
// All of it in the child, while the threads of parent and child are stopped.
#pragma once

#include "fork/descriptor.h"

namespace prefork {

// Before the first list_members() of a fork.
void forget_members();

// While its members are still the old ones: notes them.
int list_members(const Descriptor& epoll);

// Of those noted, drops the ones for which `kept` does not hold. Sockets and pipes among them are
// replaced by dead ones (dead_socket.h), but for the standard streams.
int keep_members(bool (*kept)(int fd));

// Puts an empty one of the child's own in the place of the old one.
int renew_epoll(const Descriptor& old);

// When all members are new: adds those that were noted, to all epolls.
int add_members();

}  // namespace prefork
