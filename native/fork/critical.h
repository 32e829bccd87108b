// The right to stop the other threads. Two threads may want it at the same time: one waits for the
// lock like for any other, is stopped while it waits, and in a forked child brought back waiting.
#pragma once

#include <pthread.h>
#include <stdint.h>

namespace prefork {

// For its lifetime the calling thread holds that right and has every signal blocked: a handler
// would run in the middle of code that must need no lock.
class CriticalSection {
 public:
  CriticalSection();
  ~CriticalSection();
  CriticalSection(const CriticalSection&) = delete;
  CriticalSection& operator=(const CriticalSection&) = delete;

 private:
  uint64_t signals_before_ = 0;
};

// Has this file's critical sections use another file's lock: before the first of them.
void share_fork_lock(pthread_mutex_t* of_all);

}  // namespace prefork

// The lock that this file brings along.
extern "C" __attribute__((visibility("hidden"))) pthread_mutex_t prefork_fork_lock;
