#include "fork/hand_over.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>

#include "fork/critical.h"
#include "fork/threads.h"
#include "posix/exec.h"
#include "posix/supervise.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

constexpr int kStopMilliseconds = 5000;
constexpr int kSignals = 32;

int close_on_exec(Numbers descriptors, bool is_closed) {
  for (size_t i = 0; i < descriptors.count; i++) {
    const long result = sys(SYS_fcntl, descriptors.list[i], F_SETFD, is_closed ? FD_CLOEXEC : 0);
    if (result < 0) return static_cast<int>(result);
  }
  return 0;
}

// What a handler has noted, and nobody has looked at yet, comes again.
void make_pending(uint32_t noted) {
  const long self = sys(SYS_getpid);
  for (int signal = 1; signal < kSignals; signal++) {
    if ((noted & uint32_t{1} << signal) != 0) sys(SYS_kill, self, signal);
  }
}

void set_mask(uint64_t mask) { sys(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, sizeof mask); }

uint64_t mask_of(Numbers signals) {
  uint64_t mask = 0;
  for (size_t i = 0; i < signals.count; i++) mask |= uint64_t{1} << (signals.list[i] - 1);
  return mask;
}

int execute_with(const Program& program, Numbers signals, Numbers descriptors) {
  int result = close_on_exec(descriptors, false);
  if (result == 0) {
    make_pending(take_noted_signals());
    set_mask(mask_of(signals));
    result = execute(program.path, program.arguments, program.environment);
    set_mask(~uint64_t{0});
  }
  close_on_exec(descriptors, true);
  return result;
}

}  // namespace

int hand_over(const Program& program, Numbers signals, Numbers descriptors) {
  CriticalSection section;
  int result = stop_threads(kStopMilliseconds);
  if (result < 0) return result;
  result = execute_with(program, signals, descriptors);
  release_threads();
  return result;
}

}  // namespace prefork
