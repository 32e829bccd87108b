// What the kernel keeps for each thread, and what a new thread lacks or inherits from its creator.
#pragma once

#include <linux/futex.h>
#include <stdint.h>
#include <sys/types.h>

namespace prefork {

struct SchedulerAttributes {  // man 2 sched_setattr, first published version
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

struct KernelState {
  uintptr_t tls;
  pid_t* cleared_word;  // by the kernel when the thread ends; see libc.h
  robust_list_head* robust_list;
  size_t robust_list_size;
  char name[16];
  unsigned long timer_slack;
  SchedulerAttributes scheduler;
  long affinity_size;  // bytes, or -errno where the mask is wider than the one here
  uint64_t affinity[32];
};

// Finds glibc's rseq area, and where it keeps what remember_scheduling() sets and what a thread was
// made to run. Once, at load: the dynamic loader takes locks.
void learn_thread_layout();

// Where the function stands that a thread was made to run (pthread_create's third argument); 0
// where that is not known, as with musl. To be read with care: the thread may be none of the
// library's.
uintptr_t start_routine_at(uintptr_t tls);

// Called by the thread itself.
void capture(KernelState& state);
// Called by a new thread that takes over `state`; `creator` is what it has inherited.
void restore(const KernelState& state, const KernelState& creator);

// Called by a new thread that goes on under the tid of the one it replaces: tells glibc that it
// need not ask the kernel for this thread's policy and priority. Asked under a number whose thread
// has ended it would get an error, which abseil (in V8, since Node 22) prints to stderr each time a
// thread waits for a mutex: "pthread_getschedparam failed".
void remember_scheduling(const KernelState& state);

}  // namespace prefork
