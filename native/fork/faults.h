// Reads of memory that may fault although it is mapped to be read: a guard page
// (MADV_GUARD_INSTALL) is in no list, and neither is a protection key. To ask the kernel about each
// address would take five times as long as to try.
//
// Between stop_threads() and release_threads(): the action for a fault belongs to the process, and
// so to this thread alone while the others are stopped.
#pragma once

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

namespace prefork {

// For as long as it lives, read_words() of this thread survives faults. All signals are blocked
// before and after.
class FaultsSurvived {
 public:
  FaultsSurvived();
  ~FaultsSurvived();
  FaultsSurvived(const FaultsSurvived&) = delete;
  FaultsSurvived& operator=(const FaultsSurvived&) = delete;

 private:
  struct sigaction segv_;
  struct sigaction bus_;
};

// False, and `words` may be anything, if the memory at `address` cannot be read.
bool read_words(uintptr_t address, uintptr_t* words, size_t count);

}  // namespace prefork
