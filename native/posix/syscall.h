// Plain system calls that answer -errno, for code that runs while every other thread is stopped.
//
// The contract of that code (see docs/internals.md, "Between stop and release"): no malloc, no
// stdio, no lock, nothing lazy. A thread that is parked may hold any of them. syscall(2) takes
// none: it traps, and stores errno in the calling thread's own memory.
#pragma once

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace prefork {

template <typename... Args>
inline long sys(long number, Args... args) {
  const long result = ::syscall(number, args...);
  return result == -1 ? -errno : result;
}

}  // namespace prefork
