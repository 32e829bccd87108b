#include "fork/requirements.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "fork/libc.h"
#include "fork/procfs.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

// A call with arguments that make no sense fails because of them, unless it fails for being there.
bool is_refused(long result) { return result == -ENOSYS || result == -EPERM || result == -EACCES; }

// CLONE_SIGHAND needs CLONE_VM, and CLONE_THREAD needs both (man 2 clone): no process is made.
long try_clone() {
  const long process = sys(SYS_clone, CLONE_SIGHAND, nullptr, nullptr, nullptr, nullptr);
  if (is_refused(process)) return process;
  return sys(SYS_clone, CLONE_THREAD, nullptr, nullptr, nullptr, nullptr);
}

long try_queue() {
  siginfo_t info = {};
  info.si_code = SI_QUEUE;
  return sys(SYS_rt_tgsigqueueinfo, getpid(), sys(SYS_gettid), 0, &info);
}

struct Call {
  const char* name;
  long (*attempt)();
};

constexpr Call kCalls[] = {
    {"prctl(PR_GET_TID_ADDRESS), that is a kernel with CONFIG_CHECKPOINT_RESTORE,",
     [] { return cleared_word() == nullptr ? -ENOSYS : 0L; }},
    {"clone", try_clone},
    {"rt_tgsigqueueinfo", try_queue},
    {"rt_sigaction", [] { return sys(SYS_rt_sigaction, 0, nullptr, nullptr, sizeof(uint64_t)); }},
    {"futex", [] { return sys(SYS_futex, nullptr, FUTEX_WAKE_PRIVATE, 0, nullptr, nullptr, 0); }},
    {"madvise", [] { return sys(SYS_madvise, nullptr, 0, MADV_DOFORK); }},
    {"getdents64", [] { return sys(SYS_getdents64, -1, nullptr, 0); }},
    {"readlinkat", [] { return sys(SYS_readlinkat, -1, nullptr, nullptr, 0); }},
    {"pipe2", [] { return sys(SYS_pipe2, nullptr, -1); }},
    {"dup3", [] { return sys(SYS_dup3, -1, -1, 0); }},
    {"tee", [] { return sys(SYS_tee, -1, -1, 1, 0); }},
    {"epoll_create1", [] { return sys(SYS_epoll_create1, -1); }},
    {"epoll_ctl", [] { return sys(SYS_epoll_ctl, -1, EPOLL_CTL_DEL, -1, nullptr); }},
    {"eventfd2", [] { return sys(SYS_eventfd2, 0, -1); }},
    {"timerfd_create", [] { return sys(SYS_timerfd_create, -1, -1); }},
    {"timerfd_gettime", [] { return sys(SYS_timerfd_gettime, -1, nullptr); }},
    {"timerfd_settime", [] { return sys(SYS_timerfd_settime, -1, 0, nullptr, nullptr); }},
    {"inotify_init1", [] { return sys(SYS_inotify_init1, -1); }},
};

constexpr const char* kFiles[] = {"/proc/self/task", "/proc/thread-self/fd",
                                  "/proc/thread-self/fdinfo", "/proc/thread-self/maps"};

bool can_be_opened(const char* path) {
  const long fd = sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd >= 0) sys(SYS_close, fd);
  return fd >= 0 || fd == -EMFILE || fd == -ENFILE;
}

}  // namespace

const char* missing_requirement() {
  for (const Call& call : kCalls) {
    if (is_refused(call.attempt())) return call.name;
  }
  if (!proc_is_of_our_namespace()) return "/proc/self";
  for (const char* path : kFiles) {
    if (!can_be_opened(path)) return path;
  }
  return nullptr;
}

}  // namespace prefork
