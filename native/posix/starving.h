// Whether another process would run if it were given a processor.
#pragma once

#include <stdint.h>
#include <sys/types.h>

namespace prefork {

// Nanoseconds of processor time that a process has had; 0 if nobody may know.
uint64_t processor_time(pid_t pid);

// Whether it is ready to run, and had next to no processor time since it had `before`. False for
// one that is busy, sleeps, is stopped, or is not there.
bool is_starving(pid_t pid, uint64_t before);

}  // namespace prefork
