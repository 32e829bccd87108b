#include "fork/critical.h"

#include <signal.h>

#include "posix/syscall.h"

pthread_mutex_t prefork_fork_lock = PTHREAD_MUTEX_INITIALIZER;

namespace prefork {

namespace {
pthread_mutex_t* lock = &prefork_fork_lock;
}  // namespace

void share_fork_lock(pthread_mutex_t* of_all) { lock = of_all; }

// Not pthread_sigmask, which leaves out the signals that the C library keeps for itself.
CriticalSection::CriticalSection() {
  pthread_mutex_lock(lock);
  const uint64_t all = ~uint64_t{0};
  sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &signals_before_, sizeof all);
}

CriticalSection::~CriticalSection() {
  sys(SYS_rt_sigprocmask, SIG_SETMASK, &signals_before_, nullptr, sizeof signals_before_);
  pthread_mutex_unlock(lock);
}

}  // namespace prefork
