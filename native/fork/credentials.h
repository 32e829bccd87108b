#pragma once

namespace prefork {

// Gives every other thread the user, group and supplementary groups of the calling one.
//
// To the kernel these belong to each thread; the C library's setuid() etc. send the change
// to all threads by their tids (man 7 nptl). In a forked child some threads still go by the tid
// that they had in the parent (threads.cc, "settling"), and would keep the old user: a pool thread
// would go on opening files as root. So in a child each such call is followed by this one.
//
// 0 or -errno (-ETIMEDOUT: a thread did not answer). Ends the process, as the C library does, if a
// thread cannot take them over: one process must not have two users.
int share_credentials();

}  // namespace prefork
