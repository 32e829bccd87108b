// Whether another process would run if it were given a processor.
#pragma once

#include <stdint.h>
#include <sys/types.h>

namespace prefork {

// Nanoseconds of processor time that a process has had; 0 if nobody may know.
uint64_t processor_time(pid_t pid);

// What a process needs to find out that there is nothing for it to do; nanoseconds.
constexpr uint64_t kNextToNothing = 200'000;

// Whether it is ready to run, and had less than `enough` processor time since it had `before`.
// False for one that sleeps, is stopped, or is not there.
bool is_starving(pid_t pid, uint64_t before, uint64_t enough = kNextToNothing);

}  // namespace prefork
