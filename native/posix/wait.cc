#include "posix/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

long wait4_now(pid_t pid, int options, int* status) {
  return sys(SYS_wait4, pid, status, options | WNOHANG, nullptr);
}

// The two ways of looking for any child answer alike: a pid, 0 (some are left, none is ready) or
// -ECHILD.
long try_forked(int options, int* status, Pids others) {
  const ForkedGuard guard;
  bool any = false;
  for (size_t i = forked_count; i-- > 0;) {
    const pid_t pid = forked[i];
    if (others.contains(pid)) continue;
    const long result = wait4_now(pid, options, status);
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
  int fd;
  do {
    fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  } while (fd == -1 && errno == EINTR);
  if (fd == -1) return nullptr;

  size_t capacity = 4096;
  size_t used = 0;
  char* text = static_cast<char*>(malloc(capacity));
  while (text != nullptr) {
    const ssize_t got = read(fd, text + used, capacity - used - 1);
    if (got == -1 && errno == EINTR) continue;
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

long try_each_of_this_thread(int options, int* status, Pids others) {
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
    const long one = wait4_now(pid, options, status);
    if (one == -ECHILD) continue;
    result = one;
    if (one != 0) break;
  }
  free(text);
  return result;
}

long try_this_thread(int options, int* status, Pids others) {
  // With nobody's children to spare the kernel can choose. It cannot be told to spare some, and a
  // peek (WNOWAIT) always shows the same one of those that have ended.
  if (others.count == 0) return wait4_now(-1, options | __WNOTHREAD, status);
  return try_each_of_this_thread(options, status, others);
}

long try_any(int options, int* status, Pids others) {
  // Before the kernel says so, which is asked only if there is a child that may be waited for.
  if ((options & ~(WNOHANG | WUNTRACED | WCONTINUED)) != 0) return -EINVAL;
  const long mine = try_this_thread(options, status, others);
  if (mine != 0 && mine != -ECHILD) return mine;
  const long other = try_forked(options, status, others);
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

void forget_children() {
  const ForkedGuard guard;
  forked_count = 0;
}

long try_wait(pid_t pid, int options, int* status, Pids others) {
  const long result =
      pid == -1 ? try_any(options, status, others) : wait4_now(pid, options, status);
  const bool ended = result > 0 && (WIFEXITED(*status) || WIFSIGNALED(*status));
  if (ended) forget_child(static_cast<pid_t>(result));
  return result;
}

bool is_running(pid_t pid) {
  siginfo_t info = {};
  const int options = WEXITED | WNOHANG | WNOWAIT | __WALL;
  return sys(SYS_waitid, P_PID, pid, &info, options, nullptr) == 0 && info.si_pid == 0;
}

int open_pidfd(pid_t pid) { return static_cast<int>(sys(SYS_pidfd_open, pid, 0)); }

}  // namespace prefork
