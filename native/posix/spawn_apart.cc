#include "posix/spawn_apart.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace prefork {

namespace {

constexpr int kSignals = 32;

std::atomic<bool> is_armed{false};
pthread_t spawning;

// To ignore a signal for a moment discards one that is pending (POSIX, "Signal Actions").
void forget(int signal) {
  struct sigaction ignore = {};
  struct sigaction before;
  ignore.sa_handler = SIG_IGN;
  if (sigaction(signal, &ignore, &before) == 0) sigaction(signal, &before, nullptr);
}

// In the child, whose one thread has kept its name. Calls only what may be called between fork and
// exec (signal-safety(7)).
void leave_group() {
  if (!is_armed.load() || pthread_equal(spawning, pthread_self()) == 0) return;
  setsid();
  for (int signal = 1; signal < kSignals; signal++) forget(signal);
}

pthread_mutex_t hook_lock = PTHREAD_MUTEX_INITIALIZER;
bool is_hooked = false;

// Once: a hook stays for good.
int hook_into_fork() {
  pthread_mutex_lock(&hook_lock);
  const int error = is_hooked ? 0 : pthread_atfork(nullptr, nullptr, leave_group);
  is_hooked = error == 0;
  pthread_mutex_unlock(&hook_lock);
  return -error;
}

}  // namespace

int spawn_apart(bool apart) {
  const int result = hook_into_fork();
  if (result < 0) return result;
  if (apart) spawning = pthread_self();
  is_armed = apart;
  return 0;
}

}  // namespace prefork
