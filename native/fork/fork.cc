#include "fork/fork.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "fork/critical.h"
#include "fork/descriptors.h"
#include "fork/inotify.h"
#include "fork/kernel_state.h"
#include "fork/libc.h"
#include "fork/memory.h"
#include "fork/new_sockets.h"
#include "fork/rings.h"
#include "fork/settle.h"
#include "fork/threads.h"
#include "posix/retry_on_eintr.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

constexpr int kStopMilliseconds = 5000;
constexpr int kCompleteMilliseconds = 10000;
constexpr int kRestAttempts = 1000;
constexpr int kSocketAttempts = 200;  // less than a second
constexpr int kLeavingAttempts = 10;

int supported = -ENOSYS;

// All threads stopped: looks at what the child is to get. 1, 0 (they must run on for a moment) or
// -errno.
int look_at_descriptors_and_memory(int report, const ForkOptions& options, int attempt) {
  forget_ring_mappings();
  note_forking_loop(options.loop_fields);
  int result = survey_descriptors(report, options.threads_go_on);
  if (result == 0 && has_new_sockets() && attempt < kSocketAttempts) return 0;
  if (result == 0) result = unmark_memory();
  if (result < 0) return result;
  result = rings_are_at_rest();
  if (result != 1) mark_memory();
  return result;
}

// Stops the threads at a moment when no io_uring has anything under way, when none of those that go
// on is about to bind or connect a socket, and when those that the child does not get back can be
// left.
int stop_at_rest(int report, const ForkOptions& options) {
  const LeavingBehind* quiet = options.quiet;
  int not_left = 0;
  for (int attempt = 0; attempt < kRestAttempts; ++attempt) {
    int result = stop_threads(kStopMilliseconds);
    if (result < 0) return result;
    recognise_first_threads();
    if (quiet != nullptr && !leave_threads_behind(*quiet)) {
      result = ++not_left < kLeavingAttempts ? 0 : -EBUSY;
    } else {
      result = look_at_descriptors_and_memory(report, options, attempt);
    }
    if (result == 1) return 0;
    release_threads();
    if (result < 0) return result;
    let_threads_run(attempt);
  }
  return -ENOTSUP;
}

// As _Fork(), without what that does because the other threads would be gone: the caller's record
// gets its new tid, or keeps the old one for a while; its list of robust locks is registered anew.
// (A bare clone, so that the C library need not have _Fork: glibc has it since 2.34, musl since
// 1.2.2.)
long clone_process(const ForkOptions& options) {
  KernelState self;
  capture(self);
  const unsigned long flags = CLONE_CHILD_CLEARTID | SIGCHLD |
                              (options.as_sibling ? static_cast<unsigned long>(CLONE_PARENT) : 0);
#if defined(__x86_64__)
  const long pid = sys(SYS_clone, flags, nullptr, nullptr, self.cleared_word, nullptr);
#else
  const long pid = sys(SYS_clone, flags, nullptr, nullptr, nullptr, self.cleared_word);
#endif
  if (pid == 0) {
    if (options.keeps_tid && kCanKeepTid) {
      keep_tid();
    } else {
      take_new_tid();
    }
    sys(SYS_set_robust_list, self.robust_list, self.robust_list_size);
  }
  return pid;
}

int complete_child(const ForkOptions& options) {
  mark_memory();
  forget_lost_watches();
  int result =
      renew_descriptors(options.inspector_port, options.threads_go_on, options.quiet != nullptr);
  if (result == 0 && options.before_threads_go_on != nullptr) options.before_threads_go_on();
  if (result == 0) result = bring_back_threads();
  return result;
}

int await_report(int report) {
  pollfd readable = {report, POLLIN, 0};
  int result = 0;
  if (retry_on_eintr([&] { return poll(&readable, 1, kCompleteMilliseconds); }) == 0) return -ETIME;
  const long size = sys_retry_on_eintr(SYS_read, report, &result, sizeof result);
  return size == sizeof result ? result : -ECHILD;  // it was killed
}

// A sibling is reaped by the common parent, to which this process's wait4 says -ECHILD.
void discard(long pid) {
  sys(SYS_kill, pid, SIGKILL);
  sys_retry_on_eintr(SYS_wait4, pid, nullptr, __WALL, nullptr);
}

/* child */
void become_complete(const int report[2], const ForkOptions& options) {
  const int result = complete_child(options);
  sys(SYS_write, report[1], &result, sizeof result);
  if (result < 0) sys(SYS_exit_group, 127);
  sys(SYS_close, report[0]);
  sys(SYS_close, report[1]);
}

/* parent */
int see_child_complete(long pid, const int report[2]) {
  mark_memory();
  sys(SYS_close, report[1]);
  const int result = pid < 0 ? static_cast<int>(pid) : await_report(report[0]);
  sys(SYS_close, report[0]);
  if (result < 0 && pid > 0) discard(pid);
  return result;
}

// The parent's threads stay stopped until the child is complete: the child copies descriptors that
// they would go on using.
long fork_stopped(const int report[2], const ForkOptions& options) {
  const long pid = clone_process(options);
  if (pid == 0) {
    become_complete(report, options);
    return 0;
  }
  const int result = see_child_complete(pid, report);
  return result < 0 ? result : pid;
}

}  // namespace

// Once: in a forked child the word of a thread that was brought back holds its old tid.
int prepare_fork() {
  if (supported < 0) supported = prepare_threads();
  note_first_threads();
  return supported;
}

int fork_process(const ForkOptions& options) {
  if (supported < 0) return supported;
  CriticalSection section;
  int report[2];
  if (pipe2(report, O_CLOEXEC) < 0) return -errno;
  long result = stop_at_rest(report[0], options);
  if (result == 0) {
    result = fork_stopped(report, options);
    forget_closed_pipes();  // before there can be new ones
    release_threads();
  } else {
    sys(SYS_close, report[0]);
    sys(SYS_close, report[1]);
  }
  return static_cast<int>(result);
}

}  // namespace prefork
