// Descriptors that are private to a process but, being open file descriptions, shared after a fork:
// epoll, eventfd, timerfd, inotify, io_uring, and pipes of which both ends are in this process.
// Left shared, parent and child would take each other's wake-ups.
//
// Everything else (files, sockets, pipes with one end elsewhere) stays shared, as POSIX says,
// unless other threads may be in the middle of reading a file.
#pragma once

namespace prefork {

// In the parent, all threads stopped: which there are. `report` is a pipe that must stay shared. If
// other threads go on in the child, new sockets are noted, too (new_sockets.h). -errno if they
// cannot be listed.
int survey_descriptors(int report, bool threads_go_on);

// The same, once survey_descriptors() and unmark_memory() have been: whether no io_uring has
// anything under way. 1, 0 (the threads must run on for a moment) or -errno.
int rings_are_at_rest();

// Afterwards, threads running: drops from the list of shared pipes those that the survey did not
// see.
void forget_closed_pipes();

// In the child, while the threads of parent and child are all stopped: gives the child its own, at
// the same numbers, holding what they held. Sockets bound to `inspector_port` (0: none) are cut off
// (cut_off.h). 0 or -errno: then the child cannot be completed.
//
// If other threads go on in the child, also files that can only be read, each at the position where
// it was: another thread that is stopped while it reads one reads on in both processes, and of one
// position each of them would get a part.
//
// If `quiet`, the child's epolls have no other members than what is the child's own, and its
// inotifys watch nothing. The sockets and pipes that were members are dead in the child: if it kept
// them open, the other end would not hear that the parent has closed them.
int renew_descriptors(int inspector_port, bool threads_go_on, bool quiet);

}  // namespace prefork
