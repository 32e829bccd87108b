#include "fork/faults.h"

#include <setjmp.h>

#include "posix/syscall.h"

namespace prefork {

namespace {

sigjmp_buf before_read;
volatile sig_atomic_t reading;
volatile sig_atomic_t sent;  // by a process, and so meant for the action before

// Any other fault is a real one: with the action of before it comes again.
void on_fault(int signal, siginfo_t* info, void*) {
  if (info->si_code <= 0) {
    sent = signal;
    return;
  }
  if (reading != 0) siglongjmp(before_read, 1);
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
}

void set_blocked(bool blocked) {
  const uint64_t faults = uint64_t{1} << (SIGSEGV - 1) | uint64_t{1} << (SIGBUS - 1);
  const int how = blocked ? SIG_BLOCK : SIG_UNBLOCK;
  sys(SYS_rt_sigprocmask, how, &faults, nullptr, sizeof faults);
}

}  // namespace

FaultsSurvived::FaultsSurvived() {
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSEGV, &action, &segv_);
  sigaction(SIGBUS, &action, &bus_);
  set_blocked(false);
}

FaultsSurvived::~FaultsSurvived() {
  set_blocked(true);
  sigaction(SIGBUS, &bus_, nullptr);
  sigaction(SIGSEGV, &segv_, nullptr);
  if (sent != 0) sys(SYS_tgkill, getpid(), sys(SYS_gettid), static_cast<int>(sent));
  sent = 0;
}

bool read_words(uintptr_t address, uintptr_t* words, size_t count) {
  const bool readable = sigsetjmp(before_read, 0) == 0;
  if (readable) {
    reading = 1;
    const auto* memory = reinterpret_cast<const volatile uintptr_t*>(address);
    for (size_t i = 0; i < count; ++i) words[i] = memory[i];
  }
  reading = 0;
  return readable;
}

}  // namespace prefork
