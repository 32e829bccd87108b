#include "posix/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "posix/memory_file.h"
#include "posix/syscall.h"
#include "posix/wait.h"

namespace prefork {

namespace {

// The one mapping that forks share instead of copying it, once it is made.
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
int wake_up = -1;  // an eventfd, in which a handler may write

constexpr size_t kMaxChannels = 4096;

uint32_t bit(int signal) { return uint32_t{1} << signal; }

// Whether this process stops when the terminal stops its job.
bool stops_with_job = false;

bool is_of_job(int signal, const siginfo_t* info) {
  return info != nullptr && info->si_code == SI_KERNEL && (signal == SIGTTIN || signal == SIGTTOU);
}

// What the kernel does when nobody has taken the signal: a shell sees that, and sends SIGCONT when
// the job may go on. It does nothing where no shell could (an orphaned process group).
void stop_as_usual(int signal) {
  struct sigaction usual = {};
  struct sigaction own;
  sigset_t only;
  usual.sa_handler = SIG_DFL;
  sigemptyset(&only);
  sigaddset(&only, signal);
  sigaction(signal, &usual, &own);
  kill(getpid(), signal);
  pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  // stopped, and continued
  pthread_sigmask(SIG_BLOCK, &only, nullptr);
  sigaction(signal, &own, nullptr);
}

// 0: nothing that anybody has asked for.
int command_in(int signal, const siginfo_t* info) {
  if (info == nullptr || info->si_code != SI_KERNEL) return signal;
  if (is_of_job(signal, info)) return 0;
  return signal == SIGHUP ? SIGTERM : signal;
}

void note_signal(int signal, siginfo_t* info, void*) {
  const int saved = errno;
  const int command = command_in(signal, info);
  if (stops_with_job && is_of_job(signal, info) && getpid() == supervisor) stop_as_usual(signal);
  if (command != 0 && getpid() == supervisor) {
    arrived.fetch_or(bit(command));
    const uint64_t one = 1;
    sys(SYS_write, wake_up, &one, sizeof one);
  } else if (command != 0) {
    arrived_in_child.fetch_or(bit(command));
  }
  errno = saved;
}

int take_over(int signal, Supervised* place) {
  struct sigaction action = {};
  action.sa_sigaction = note_signal;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP | SA_SIGINFO;
  sigfillset(&action.sa_mask);
  place->signal = signal;
  return sigaction(signal, &action, &place->before) == -1 ? -errno : 0;
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

int share_memory_file(int fd) {
  if (ftruncate(fd, kSharedBytes) == -1) return -errno;
  // Whoever made it shorter would end every process that has it (SIGBUS).
  const int sealed = seal_memory_file(fd, F_SEAL_SHRINK | F_SEAL_GROW);
  if (sealed < 0) return sealed;
  pthread_mutex_lock(&mapping_lock);
  int result = -EEXIST;
  if (mapping == nullptr) {
    void* made = mmap(nullptr, kSharedBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    result = made == MAP_FAILED ? -errno : 0;
    if (made != MAP_FAILED) mapping = made;
  }
  pthread_mutex_unlock(&mapping_lock);
  return result;
}

int begin_supervising(const int* signals, size_t count, bool stops) {
  if (count > kMaxSignals) return -E2BIG;
  wake_up = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_up == -1) return -errno;
  supervisor = getpid();
  stops_with_job = stops;
  arrived = 0;
  supervised_count = 0;
  for (size_t i = 0; i < count; i++) {
    const int result = take_over(signals[i], &supervised[i]);
    if (result < 0) return result;
    supervised_count++;
  }
  return 0;
}

uint32_t take_noted_signals() { return arrived.exchange(0); }

int await_news(int milliseconds, const int* channels, size_t count) {
  if (count > kMaxChannels) return -E2BIG;
  pollfd watched[kMaxChannels + 1];
  watched[0] = {wake_up, POLLIN, 0};
  for (size_t i = 0; i < count; i++) watched[i + 1] = {channels[i], POLLIN, 0};
  // Whatever ends the sleep: the caller looks at everything.
  poll(watched, count + 1, milliseconds);
  uint64_t times;
  sys(SYS_read, wake_up, &times, sizeof times);
  return static_cast<int>(take_noted_signals());
}

long reap_any_child(int* status) {
  const long pid = sys(SYS_wait4, -1, status, WNOHANG, nullptr);
  if (pid > 0) forget_child(static_cast<pid_t>(pid));
  return pid;
}

bool has_child(pid_t pid) {
  siginfo_t info;
  return pid > 0 && waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

int end_supervising() {
  while (supervised_count > 0) {
    const Supervised& each = supervised[--supervised_count];
    sigaction(each.signal, &each.before, nullptr);
  }
  supervisor = 0;
  arrived = 0;
  close(wake_up);
  wake_up = -1;
  return static_cast<int>(arrived_in_child.exchange(0));
}

}  // namespace prefork
