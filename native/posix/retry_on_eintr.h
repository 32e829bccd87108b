// Calls again what a signal has interrupted (man 7 signal, "Interruption of system calls"). Not for
// close(2), which has let go of the descriptor by then, nor for what waits for a limited time.
#pragma once

#include <errno.h>

#include "posix/syscall.h"

namespace prefork {

// For functions that say so with -1 and errno.
template <typename Call>
inline auto retry_on_eintr(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

// The same for sys(): fit for code between stop and release.
template <typename... Args>
inline long sys_retry_on_eintr(long number, Args... args) {
  long result = sys(number, args...);
  while (result == -EINTR) result = sys(number, args...);
  return result;
}

}  // namespace prefork
