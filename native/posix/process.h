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

// The signal this process gets when the thread that made it ends (prctl(2), PR_SET_PDEATHSIG); 0
// for none.
int set_parent_death_signal(int signal);

int new_session();
int set_process_group(pid_t pid, pid_t group);

}  // namespace prefork
