#include "fork/critical.h"

#include <pthread.h>
#include <signal.h>

#include "posix/syscall.h"

namespace prefork {

namespace {
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
}  // namespace

// Not pthread_sigmask, which leaves out the signals that the C library keeps for itself.
CriticalSection::CriticalSection() {
  pthread_mutex_lock(&lock);
  const uint64_t all = ~uint64_t{0};
  sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &signals_before_, sizeof all);
}

CriticalSection::~CriticalSection() {
  sys(SYS_rt_sigprocmask, SIG_SETMASK, &signals_before_, nullptr, sizeof signals_before_);
  pthread_mutex_unlock(&lock);
}

}  // namespace prefork
