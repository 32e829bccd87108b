// How much memory this process has for itself, asked beside everything else that it does.
#pragma once

#include <stddef.h>

namespace prefork {

// Bytes: Private_Clean and Private_Dirty of smaps_rollup, proc_pid_smaps(5); -1 if nobody tells.
// The kernel walks over all page tables for it, which takes it milliseconds. Needs no memory.
double private_memory();

// A thread that lives just as long writes them to `*result`, unless this process has been forked
// meanwhile. 0; -EAGAIN if there is no room for a thread, or the last one has not finished.
int measure_private_memory(double* result);

}  // namespace prefork
