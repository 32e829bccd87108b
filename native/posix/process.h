// Plain calls about this process. Each answers -errno on error.
#pragma once

#include <sys/types.h>

namespace prefork {

struct Pair {
  int first;
  int second;
};

// pipe(2), close-on-exec, of which fork() keeps both ends shared between parent and child.
int make_pipe(Pair* ends);

// A connected pair of stream sockets of the Unix domain, close-on-exec.
int make_socket_pair(Pair* ends);

int duplicate(int from, int to, bool inheritable);

// The signal that this process gets when the thread that made it ends (prctl(2), PR_SET_PDEATHSIG);
// 0: none.
int set_parent_death_signal(int signal);

// From now on this signal has no effect, until somebody listens for it. By a handler: an ignored
// signal would stay ignored in programs that are started from here.
int disarm_signal(int signal);

int close_on_exec(int fd);

int new_session();
int set_process_group(pid_t pid, pid_t group);
int process_group_of(pid_t pid);
int session_of(pid_t pid);

// To a process, or to one group of them.
int send_signal(pid_t pid, int signal);
int send_signal_to_group(pid_t group, int signal);

// Adds to the niceness of the calling thread (man 2 nice, "C library/kernel differences"). The new
// one, -20 to 19, can look like an error: so 0 or -errno is answered, and it is stored.
int add_niceness(int increment, int* niceness);

// flock(2), without blocking: -EAGAIN if another open file has the lock.
int try_lock_file(int fd, int operation);

}  // namespace prefork
