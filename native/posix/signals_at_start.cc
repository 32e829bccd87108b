#include "posix/signals_at_start.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>

#include "posix/syscall.h"

#ifndef __THROW
#define __THROW
#endif

namespace prefork {

namespace {

// As the kernel has them: 64 bits.
std::atomic<uint64_t> held{0};

constexpr uint64_t bit(int signal) { return uint64_t{1} << (signal - 1); }

// glibc keeps these for itself, and never lets them be blocked (nptl/pthread_sigmask.c).
#if defined(__GLIBC__)
constexpr uint64_t kLibrarysOwn = bit(32) | bit(33);
#else
constexpr uint64_t kLibrarysOwn = 0;
#endif

uint64_t bits_of(const int* signals, size_t count) {
  uint64_t bits = 0;
  for (size_t i = 0; i < count; i++) bits |= bit(signals[i]);
  return bits;
}

uint64_t blocked_now() {
  uint64_t now = 0;
  sys(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &now, sizeof now);
  return now;
}

// Whoever unblocks one by the system call itself, as release_signals_at_start() does, also that of
// another copy of this addon, ends the holding.
uint64_t still_held() {
  const uint64_t now = held.load();
  if (now == 0) return 0;
  if ((blocked_now() & now) == now) return now;
  held = 0;
  return 0;
}

// Before main(), with the environment that the program was started with.
__attribute__((constructor)) void hold_what_is_blocked() {
  if (getenv(kSuccessionVariable) != nullptr) held = blocked_now();
}

}  // namespace

bool are_signals_blocked(const int* signals, size_t count) {
  const uint64_t wanted = bits_of(signals, count);
  return (blocked_now() & wanted) == wanted;
}

int release_signals_at_start(const int* signals, size_t count) {
  const uint64_t released = bits_of(signals, count);
  return static_cast<int>(
      sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &released, nullptr, sizeof released));
}

}  // namespace prefork

// The C library's, but for what is held.
extern "C" __attribute__((visibility("default"))) int pthread_sigmask(int how,
                                                                      const sigset_t* change,
                                                                      sigset_t* before) __THROW {
  using namespace prefork;
  uint64_t changed = 0;
  if (change != nullptr) {
    memcpy(&changed, change, sizeof changed);
    const uint64_t kept = still_held();
    if (how == SIG_UNBLOCK) changed &= ~kept;
    if (how != SIG_UNBLOCK) changed &= ~kLibrarysOwn;
    if (how == SIG_SETMASK) changed |= kept;
  }
  const long result =
      sys(SYS_rt_sigprocmask, how, change == nullptr ? nullptr : &changed, before, sizeof changed);
  return static_cast<int>(-result);
}
