// The right to stop the other threads. Two threads may want it at the same time: one waits for the
// lock like for any other, is stopped while it waits, and in a forked child brought back waiting.
#pragma once

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

}  // namespace prefork
