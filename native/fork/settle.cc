#include "fork/settle.h"

#include <signal.h>
#include <time.h>

#include "fork/event_loop.h"
#include "fork/libc.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

struct SettleTimer {
  int id;
  long nanoseconds;
};
thread_local SettleTimer settle_timer __attribute__((tls_model("initial-exec")));

void look_again_later() {
  constexpr long kLongest = 512L * 1000 * 1000;
  const itimerspec once = {{0, 0}, {0, settle_timer.nanoseconds}};
  sys(SYS_timer_settime, settle_timer.id, 0, &once, nullptr);
  if (settle_timer.nanoseconds < kLongest) settle_timer.nanoseconds *= 2;
}

// What timer_create(2) itself takes (asm-generic/siginfo.h): the libraries name its parts
// differently.
struct KernelSigevent {
  uintptr_t value;
  int signal;
  int notify;
  pid_t tid;
  char unused[64 - sizeof(uintptr_t) - 3 * sizeof(int)];
};

}  // namespace

// A timer of the kernel's, for this thread alone; no other thread and no event loop has part in it.
void start_settling() {
  KernelSigevent event = {};
  event.value = kSettle;
  event.signal = kStopSignal;
  event.notify = SIGEV_THREAD_ID;
  event.tid = static_cast<pid_t>(sys(SYS_gettid));
  settle_timer.nanoseconds = 1000 * 1000;
  if (sys(SYS_timer_create, CLOCK_MONOTONIC, &event, &settle_timer.id) == 0) look_again_later();
}

void settle_if_in_event_loop(const void* context) {
  if (!was_in_event_loop(context)) return look_again_later();
  take_new_tid();
  sys(SYS_timer_delete, settle_timer.id);
}

void take_new_tid() {
  pid_t* word = tid_word();
  if (word == nullptr) return;
  const pid_t old_tid = *word;
  *word = static_cast<pid_t>(sys(SYS_gettid));
  own_mutexes_by(*word, old_tid);
}

}  // namespace prefork
