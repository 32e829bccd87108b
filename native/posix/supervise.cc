#include "posix/supervise.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "posix/syscall.h"
#include "posix/wait.h"

namespace prefork {

namespace {

using Bell = std::atomic<uint32_t>;

// The one mapping that a fork shares instead of copying it, for all who are forked once it is made.
pthread_mutex_t mapping_lock = PTHREAD_MUTEX_INITIALIZER;
void* mapping = nullptr;

struct Supervised {
  int signal;
  struct sigaction before;
};
constexpr size_t kMaxSignals = 16;
Supervised supervised[kMaxSignals];
size_t supervised_count = 0;

// A signal that comes to a child between its birth and end_supervising() is the child's own: the
// handlers, like all memory, are copies of the parent's, and so is `supervisor`.
pid_t supervisor = 0;
std::atomic<uint32_t> arrived{0};
std::atomic<uint32_t> arrived_in_child{0};
uint32_t bell_seen = 0;

Bell* bell() { return static_cast<Bell*>(mapping); }

uint32_t bit(int signal) { return uint32_t{1} << signal; }

void note_signal(int signal) {
  const int saved = errno;
  if (getpid() == supervisor) {
    arrived.fetch_or(bit(signal));
    ring_bell();
  } else {
    arrived_in_child.fetch_or(bit(signal));
  }
  errno = saved;
}

timespec in_time(int milliseconds) {
  return {milliseconds / 1000, static_cast<long>(milliseconds % 1000) * 1000000};
}

}  // namespace

void* shared_memory() {
  pthread_mutex_lock(&mapping_lock);
  if (mapping == nullptr) {
    void* made =
        mmap(nullptr, kSharedBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (made != MAP_FAILED) mapping = made;
  }
  pthread_mutex_unlock(&mapping_lock);
  return mapping;
}

void ring_bell() {
  bell()->fetch_add(1);
  // Not FUTEX_PRIVATE_FLAG: the sleeper may be another process.
  sys(SYS_futex, bell(), FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

int begin_supervising(const int* signals, size_t count) {
  if (count > kMaxSignals) return -E2BIG;
  if (shared_memory() == nullptr) return -ENOMEM;
  supervisor = getpid();
  arrived = 0;
  bell_seen = bell()->load();
  struct sigaction action = {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  sigfillset(&action.sa_mask);
  supervised_count = 0;
  for (size_t i = 0; i < count; i++) {
    if (sigaction(signals[i], &action, &supervised[i].before) == -1) return -errno;
    supervised[i].signal = signals[i];
    supervised_count++;
  }
  return 0;
}

int await_news(int milliseconds) {
  const timespec limit = in_time(milliseconds);
  // Whatever ends the sleep (EAGAIN, EINTR, ETIMEDOUT), the caller looks at everything.
  sys(SYS_futex, bell(), FUTEX_WAIT, bell_seen, milliseconds < 0 ? nullptr : &limit, nullptr, 0);
  bell_seen = bell()->load();
  return static_cast<int>(arrived.exchange(0));
}

long reap_any_child(int* status) {
  const long pid = sys(SYS_wait4, -1, status, WNOHANG, nullptr);
  if (pid > 0) forget_child(static_cast<pid_t>(pid));
  return pid;
}

int end_supervising() {
  while (supervised_count > 0) {
    const Supervised& each = supervised[--supervised_count];
    sigaction(each.signal, &each.before, nullptr);
  }
  supervisor = 0;
  arrived = 0;
  return static_cast<int>(arrived_in_child.exchange(0));
}

}  // namespace prefork
