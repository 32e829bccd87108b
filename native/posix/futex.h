// Waiting and waking on a word of this process's memory (man 2 futex).
#pragma once

#include <linux/futex.h>
#include <stdint.h>
#include <time.h>

#include <atomic>

#include "posix/syscall.h"

namespace prefork {

using Word = std::atomic<uint32_t>;

// Sleeps while `word` holds `expected`, for at most `nanoseconds` (0: no limit). Callers look at
// the word again whatever the reason for waking: EINTR, EAGAIN and ETIMEDOUT are all "look again".
inline void futex_wait(Word& word, uint32_t expected, long nanoseconds = 0) {
  timespec limit = {0, nanoseconds};
  sys(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nanoseconds > 0 ? &limit : nullptr, nullptr,
      0);
}

inline void futex_wake_all(Word& word) {
  sys(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

}  // namespace prefork
