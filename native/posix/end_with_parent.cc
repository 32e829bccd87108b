#include "posix/end_with_parent.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "posix/answer.h"

namespace prefork {

namespace {

// Node has no name for it, so no listener can take the place of the handler.
int signal_of_the_end() { return SIGRTMAX - 5; }

void end_group(int) {
  const pid_t own = getpid();
  kill(-own, SIGKILL);
  kill(own, SIGKILL);  // it may have left the group that it led
}

}  // namespace

int end_group_with_parent() {
  const int signal = signal_of_the_end();
  struct sigaction action = {};
  action.sa_handler = end_group;
  if (sigaction(signal, &action, nullptr) == -1) return -errno;
  sigset_t alone;
  sigemptyset(&alone);
  sigaddset(&alone, signal);
  const int error = pthread_sigmask(SIG_UNBLOCK, &alone, nullptr);
  if (error != 0) return -error;
  return answer(prctl(PR_SET_PDEATHSIG, static_cast<unsigned long>(signal), 0, 0, 0));
}

}  // namespace prefork
