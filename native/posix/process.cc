#include "posix/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/answer.h"
#include "posix/retry_on_eintr.h"
#include "posix/shared_pipes.h"

namespace prefork {

namespace {

int close_both(Pair ends, int error) {
  close(ends.first);
  close(ends.second);
  return error;
}

}  // namespace

int make_pipe(Pair* ends) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) == -1) return -errno;
  *ends = {fds[0], fds[1]};

  struct stat about;
  if (fstat(ends->first, &about) == -1) return close_both(*ends, -errno);
  const int error = share_pipe(about.st_ino);
  return error == 0 ? 0 : close_both(*ends, error);
}

int make_socket_pair(Pair* ends) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1) return -errno;
  *ends = {fds[0], fds[1]};
  return 0;
}

int duplicate(int from, int to, bool inheritable) {
  int result;
  do {
    result =
        retry_on_eintr([=] { return inheritable ? dup2(from, to) : dup3(from, to, O_CLOEXEC); });
    // Another thread is just opening this number (man 2 dup2).
  } while (result == -1 && errno == EBUSY);
  return answer(result);
}

int set_parent_death_signal(int signal) {
  return answer(prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(signal), 0, 0, 0));
}

int disarm_signal(int signal) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  return answer(sigaction(signal, &action, nullptr));
}

int close_on_exec(int fd) { return answer(fcntl(fd, F_SETFD, FD_CLOEXEC)); }

int new_session() { return answer(setsid()); }

int set_process_group(pid_t pid, pid_t group) { return answer(setpgid(pid, group)); }

int process_group_of(pid_t pid) { return answer(getpgid(pid)); }

int session_of(pid_t pid) { return answer(getsid(pid)); }

int send_signal(pid_t pid, int signal) { return answer(kill(pid, signal)); }

int send_signal_to_group(pid_t group, int signal) { return answer(killpg(group, signal)); }

int add_niceness(int increment, int* niceness) {
  errno = 0;
  *niceness = nice(increment);
  return *niceness == -1 && errno != 0 ? -errno : 0;
}

int try_lock_file(int fd, int operation) {
  return answer(retry_on_eintr([=] { return flock(fd, operation | LOCK_NB); }));
}

}  // namespace prefork
