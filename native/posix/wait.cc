#include "posix/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "posix/retry_on_eintr.h"
#include "posix/syscall.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

namespace prefork {

namespace {

// The children that fork() made and that nobody has reaped yet, as far as we know. A child forgets
// them: forget_children().
pthread_mutex_t forked_lock = PTHREAD_MUTEX_INITIALIZER;
pid_t* forked = nullptr;
size_t forked_count = 0;
size_t forked_capacity = 0;

class ForkedGuard {
 public:
  ForkedGuard() { pthread_mutex_lock(&forked_lock); }
  ~ForkedGuard() { pthread_mutex_unlock(&forked_lock); }
  ForkedGuard(const ForkedGuard&) = delete;
  ForkedGuard& operator=(const ForkedGuard&) = delete;
};

void remove_forked(pid_t pid) {
  for (size_t i = 0; i < forked_count; i++) {
    if (forked[i] != pid) continue;
    forked[i] = forked[--forked_count];
    return;
  }
}

// A look at one child, or with pid -1 at any: its pid, 0 if it is not ready, or -errno. `only` is
// __WNOTHREAD or 0.
class Wait4 {
 public:
  Wait4(int options, int* status, rusage* usage)
      : options_(options), status_(status), usage_(usage) {}

  bool valid() const { return (options_ & ~(WNOHANG | WUNTRACED | WCONTINUED)) == 0; }

  long operator()(pid_t pid, int only) const {
    return sys(SYS_wait4, pid, status_, options_ | WNOHANG | only, usage_);
  }

 private:
  const int options_;
  int* const status_;
  rusage* const usage_;
};

class WaitId {
 public:
  WaitId(int options, siginfo_t* info) : options_(options), info_(info) {}

  bool valid() const {
    constexpr int kWhat = WEXITED | WSTOPPED | WCONTINUED;
    return (options_ & ~(kWhat | WNOHANG | WNOWAIT)) == 0 && (options_ & kWhat) != 0;
  }

  long operator()(pid_t pid, int only) const {
    return of(pid == -1 ? P_ALL : P_PID, pid == -1 ? 0 : pid, only);
  }

  long of(int kind, id_t id, int only) const {
    *info_ = {};  // the kernel need not write anything if no child is ready
    const long result = sys(SYS_waitid, kind, id, info_, options_ | WNOHANG | only, nullptr);
    return result < 0 ? result : info_->si_pid;
  }

 private:
  const int options_;
  siginfo_t* const info_;
};

// The two ways of looking for any child answer alike: a pid, 0 (some are left, none is ready) or
// -ECHILD.
template <typename Look>
long try_forked(const Look& look, Pids others) {
  const ForkedGuard guard;
  bool any = false;
  for (size_t i = forked_count; i-- > 0;) {
    const pid_t pid = forked[i];
    if (others.contains(pid)) continue;
    const long result = look(pid, 0);
    if (result == 0) any = true;
    if (result == -ECHILD) remove_forked(pid);
    if (result != 0 && result != -ECHILD) return result;
  }
  return any ? 0 : -ECHILD;
}

// The text of /proc/thread-self/children: the pids of this thread's children, reaped ones excluded,
// separated by spaces. The caller frees it; nullptr if the kernel has no such file
// (CONFIG_PROC_CHILDREN).
char* read_children() {
  const int fd =
      retry_on_eintr([] { return open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC); });
  if (fd == -1) return nullptr;

  size_t capacity = 4096;
  size_t used = 0;
  char* text = static_cast<char*>(malloc(capacity));
  while (text != nullptr) {
    const ssize_t got = retry_on_eintr([=] { return read(fd, text + used, capacity - used - 1); });
    if (got <= 0) break;
    used += static_cast<size_t>(got);
    if (capacity - used > 1) continue;
    char* bigger = static_cast<char*>(realloc(text, capacity *= 2));
    if (bigger == nullptr) free(text);
    text = bigger;
  }
  close(fd);
  if (text != nullptr) text[used] = '\0';
  return text;
}

template <typename Look>
long try_each_of_this_thread(const Look& look, Pids others) {
  char* text = read_children();
  if (text == nullptr) return -ECHILD;
  long result = -ECHILD;
  char* next = text;
  for (;;) {
    char* end;
    const pid_t pid = static_cast<pid_t>(strtol(next, &end, 10));
    if (end == next) break;
    next = end;
    if (others.contains(pid)) continue;
    const long one = look(pid, 0);
    if (one == -ECHILD) continue;
    result = one;
    if (one != 0) break;
  }
  free(text);
  return result;
}

template <typename Look>
long try_this_thread(const Look& look, Pids others) {
  // Without children to spare the kernel can choose. It cannot be told to spare some, and a peek
  // (WNOWAIT) always shows the same one of those that have ended.
  if (others.count == 0) return look(-1, __WNOTHREAD);
  return try_each_of_this_thread(look, others);
}

template <typename Look>
long try_any(const Look& look, Pids others) {
  // The kernel is asked only if there is a child that may be waited for.
  if (!look.valid()) return -EINVAL;
  const long mine = try_this_thread(look, others);
  if (mine != 0 && mine != -ECHILD) return mine;
  const long other = try_forked(look, others);
  return other == -ECHILD ? mine : other;
}

}  // namespace

bool Pids::contains(pid_t pid) const {
  for (size_t i = 0; i < count; i++) {
    if (list[i] == pid) return true;
  }
  return false;
}

int note_child(pid_t pid) {
  const ForkedGuard guard;
  remove_forked(pid);  // an old child of the same number, which somebody else has reaped
  if (forked_count == forked_capacity) {
    const size_t capacity = forked_capacity == 0 ? 64 : forked_capacity * 2;
    void* bigger = realloc(forked, capacity * sizeof(pid_t));
    if (bigger == nullptr) return -ENOMEM;
    forked = static_cast<pid_t*>(bigger);
    forked_capacity = capacity;
  }
  forked[forked_count++] = pid;
  return 0;
}

void forget_child(pid_t pid) {
  const ForkedGuard guard;
  remove_forked(pid);
}

void renew_children_lock() { forked_lock = PTHREAD_MUTEX_INITIALIZER; }

void forget_children() {
  const ForkedGuard guard;
  forked_count = 0;
}

long try_wait(pid_t pid, int options, int* status, rusage* usage, Pids others) {
  const Wait4 look(options, status, usage);
  const long result = pid == -1 ? try_any(look, others) : look(pid, 0);
  const bool ended = result > 0 && (WIFEXITED(*status) || WIFSIGNALED(*status));
  if (ended) forget_child(static_cast<pid_t>(result));
  return result;
}

long try_wait_id(int kind, int id, int options, siginfo_t* info, Pids others) {
  const WaitId look(options, info);
  const long result =
      kind == P_ALL ? try_any(look, others) : look.of(kind, static_cast<id_t>(id), 0);
  const int how = info->si_code;
  const bool ended = how == CLD_EXITED || how == CLD_KILLED || how == CLD_DUMPED;
  if (result > 0 && ended && (options & WNOWAIT) == 0) forget_child(static_cast<pid_t>(result));
  return result;
}

bool is_running(pid_t pid) {
  siginfo_t info = {};
  const int options = WEXITED | WNOHANG | WNOWAIT | __WALL;
  return sys(SYS_waitid, P_PID, pid, &info, options, nullptr) == 0 && info.si_pid == 0;
}

int open_pidfd(pid_t pid) { return static_cast<int>(sys(SYS_pidfd_open, pid, 0)); }

}  // namespace prefork
