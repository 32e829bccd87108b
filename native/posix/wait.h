// Looking at child processes without blocking: what wait(2) says, and which children are whose.
// loop/wait_signals.h blocks, and cares for signals.
#pragma once

#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

namespace prefork {

// Child processes that somebody else in this process waits for.
struct Pids {
  const pid_t* list;
  size_t count;

  bool contains(pid_t pid) const;
};

// Remembers a child that fork() made, in whichever thread, so that wait() in any thread finds it.
// -ENOMEM if it cannot be remembered. Takes a lock and may allocate: not for use while threads are
// stopped.
int note_child(pid_t pid);

// Forgets one that has been reaped.
void forget_child(pid_t pid);

// In a child that has not all threads of its parent: one that is not there may hold it.
void renew_children_lock();

// Forgets all of them: in a forked child they are its siblings.
void forget_children();

// wait4(2) with WNOHANG. Answers the pid, 0 if none is ready, or -errno. `usage` may be nullptr.
// For -1 (any child) it leaves the children in `others` alone, and those that other threads made by
// other means than fork(): libuv starts a child in the thread that will wait for it.
long try_wait(pid_t pid, int options, int* status, rusage* usage, Pids others);

// waitid(2) with WNOHANG; what is said of -1 there holds for P_ALL here.
long try_wait_id(int kind, int id, int options, siginfo_t* info, Pids others);

// Whether this child exists and has not ended. Does not reap it.
bool is_running(pid_t pid);

// A descriptor (close-on-exec) that turns readable when the child ends; -ENOSYS before Linux 5.3.
int open_pidfd(pid_t pid);

}  // namespace prefork
