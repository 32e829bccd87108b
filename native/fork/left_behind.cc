#include "fork/left_behind.h"

#include <linux/futex.h>

#include "fork/arch.h"
#include "fork/critical.h"
#include "fork/faults.h"
#include "fork/kernel_state.h"
#include "fork/maps.h"
#include "fork/procfs.h"
#include "fork/threads.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

struct FirstThread {
  int tid;  // 0: recognised
  uintptr_t thread_pointer;
};

constexpr int kMostFirst = 1024;
FirstThread first_threads[kMostFirst];
int first_count = -1;  // not noted yet

// All worker threads of Node run one function.
uintptr_t javascript_routine;

// For the time of one call of leave_threads_behind().
const LeavingBehind* leaving;

uintptr_t start_routine_of(uintptr_t thread_pointer) {
  const uintptr_t place = start_routine_at(thread_pointer);
  uintptr_t routine = 0;
  return place != 0 && read_words(place, &routine, 1) ? routine : 0;
}

bool was_there_first(uintptr_t thread_pointer) {
  for (int i = 0; i < first_count; ++i) {
    if (first_threads[i].thread_pointer == thread_pointer) return true;
  }
  return false;
}

bool is_nodes(uintptr_t routine) {
  return leaving->node.has(routine) || leaving->libuv.has(routine);
}

bool stays(const StoppedThread& thread) {
  const uintptr_t routine = start_routine_of(thread.thread_pointer);
  if (routine == leaving->pool_routine) return true;
  if (routine != 0 && routine == javascript_routine) return true;
  return is_nodes(routine) && !was_there_first(thread.thread_pointer);
}

// Waiting for a condition gives up the lock that belongs to it. (glibc; it waits for a lock itself
// with FUTEX_WAIT.)
bool is_wait_for_condition(long operation) {
  return (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
}

// A write of eight bytes may be a message to an event loop.
bool may_be_wakeup(const Position& position) { return position.third == sizeof(uint64_t); }

bool is_blocked(const Position& position) {
  switch (position.call) {
    case kNoCall:
      return false;
    case kUnknownCall:  // waits only fail with EINTR
      return true;
    case SYS_futex:
      return is_wait_for_condition(position.second);
    case SYS_write:
      return !may_be_wakeup(position);
    case SYS_read:
    case SYS_readv:
    case SYS_pread64:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_recvmmsg:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_sendmmsg:
    case SYS_accept:
    case SYS_accept4:
    case SYS_connect:
    case SYS_openat:
    case SYS_flock:
    case SYS_fcntl:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_wait4:
    case SYS_waitid:
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
    case SYS_ppoll:
    case SYS_pselect6:
#if defined(SYS_open)
    case SYS_open:
    case SYS_poll:
    case SYS_select:
#endif
      return true;
    default:
      return false;
  }
}

// What V8 compiles is in memory of no file.
bool is_compiled(uintptr_t code) {
  return for_each_mapping([code](const Mapping& mapping) {
           if (code >= mapping.end) return 0;
           return code >= mapping.start && mapping.anonymous && mapping.executable ? 1 : 2;
         }) == 1;
}

bool runs_javascript(uintptr_t code) { return leaving->builtins.has(code) || is_compiled(code); }

bool may_stay(const StoppedThread& thread) {
  return thread.idle || leaving->is_held_up(thread.thread_pointer) || is_blocked(thread.position) ||
         runs_javascript(thread.position.code);
}

}  // namespace

void note_first_threads() {
  if (first_count >= 0) return;
  const CriticalSection section;
  first_count = 0;
  for_each_number("/proc/self/task", [](int tid) {
    if (first_count < kMostFirst) first_threads[first_count++] = {tid, 0};
    return 0;
  });
}

void note_javascript_thread() { javascript_routine = own_start_routine(); }

uintptr_t own_start_routine() {
  const uintptr_t place = start_routine_at(thread_pointer());
  return place == 0 ? 0 : *reinterpret_cast<const uintptr_t*>(place);
}

void recognise_first_threads() {
  for_each_stopped_thread([](const StoppedThread& thread) {
    for (int i = 0; i < first_count; ++i) {
      if (first_threads[i].tid == thread.tid) first_threads[i] = {0, thread.thread_pointer};
    }
  });
  for (int i = 0; i < first_count; ++i) first_threads[i].tid = 0;
}

bool leave_threads_behind(const LeavingBehind& what) {
  const FaultsSurvived survived;
  leaving = &what;
  return leave_behind(stays, may_stay);
}

}  // namespace prefork
