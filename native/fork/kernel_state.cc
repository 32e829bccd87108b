#include "fork/kernel_state.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

#include "fork/arch.h"
#include "fork/libc.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

// glibc 2.35 and later register an rseq area at a fixed distance from the thread pointer and say so
// in two symbols (glibc manual, "Restartable Sequences"). Zero size: nothing is registered.
ptrdiff_t rseq_offset;
unsigned int rseq_size;

// The parts of struct rseq (linux/rseq.h) that matter here.
struct RseqArea {
  uint32_t cpu_id_start;
  int32_t cpu_id;  // negative: never registered for this thread
  uint64_t critical_section;
};
constexpr uint32_t kRseqOriginalSize =
    32;  // the kernel takes this length whatever newer ones there are
// A reader of the processor number then asks the kernel (linux/rseq.h).
constexpr int32_t kRseqRegistrationFailed = -2;
#if defined(__x86_64__)
constexpr uint32_t kRseqSignature = 0x53053053;
#elif defined(__aarch64__)
constexpr uint32_t kRseqSignature = 0xd428bc00;
#endif

// The kernel drops the registration for a clone with CLONE_VM (kernel/fork.c, rseq_fork).
void register_rseq(uintptr_t tls) {
  if (rseq_size == 0 || tls == 0) return;
  auto* area = reinterpret_cast<RseqArea*>(tls + static_cast<uintptr_t>(rseq_offset));
  if (area->cpu_id < 0) return;
  area->critical_section = 0;
  const uint32_t size = rseq_size > kRseqOriginalSize ? rseq_size : kRseqOriginalSize;
  if (sys(SYS_rseq, area, size, 0, kRseqSignature) < 0) area->cpu_id = kRseqRegistrationFailed;
}

// glibc asks once and notes in the thread's own record that it knows (nptl/pthread_getschedparam.c:
// ATTR_FLAG_SCHED_SET and ATTR_FLAG_POLICY_SET). The place differs by version, so it is found by
// watching a new thread's record while that happens. 0: not found, and nothing is done.
constexpr uint32_t kSchedulingKnown = 0x60;
constexpr ptrdiff_t kRecordSize = 1024;
#if defined(__x86_64__)
constexpr ptrdiff_t kRecordStart = 0;  // the thread pointer points to the record
#else
constexpr ptrdiff_t kRecordStart = -2048;  // the record ends at the thread pointer
#endif
ptrdiff_t scheduling_flags;

void* watch_own_record(void*) {
  const auto* record = reinterpret_cast<const uint32_t*>(thread_pointer() + kRecordStart);
  constexpr size_t kWords = kRecordSize / sizeof(uint32_t);
  uint32_t before[kWords];
  memcpy(before, record, sizeof before);
  int policy;
  sched_param parameters;
  pthread_getschedparam(pthread_self(), &policy, &parameters);
  for (size_t i = 0; i < kWords; ++i) {
    if ((record[i] ^ before[i]) != kSchedulingKnown) continue;
    scheduling_flags = kRecordStart + static_cast<ptrdiff_t>(i * sizeof(uint32_t));
  }
  return nullptr;
}

// Where the library keeps what a thread was made to run: found in a new thread's record, which has
// this very function there. 0: not found.
ptrdiff_t start_routine;

void* find_own_start_routine(void*) {
  constexpr ptrdiff_t kSearched = 2048;
  const uintptr_t first = thread_pointer() + static_cast<uintptr_t>(kRecordStart);
  for (ptrdiff_t at = 0; at < kSearched; at += sizeof(uintptr_t)) {
    const auto word = *reinterpret_cast<const uintptr_t*>(first + static_cast<uintptr_t>(at));
    if (word != reinterpret_cast<uintptr_t>(find_own_start_routine)) continue;
    start_routine = kRecordStart + at;
    break;
  }
  return nullptr;
}

void run_in_new_thread(void* (*routine)(void*)) {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, routine, nullptr) == 0) pthread_join(thread, nullptr);
}

}  // namespace

void remember_scheduling(const KernelState& state) {
  if (scheduling_flags == 0 || state.tls == 0 || state.scheduler.policy != SCHED_OTHER) return;
  auto* flags = reinterpret_cast<uint32_t*>(state.tls + static_cast<uintptr_t>(scheduling_flags));
  __atomic_fetch_or(flags, kSchedulingKnown, __ATOMIC_SEQ_CST);
}

uintptr_t start_routine_at(uintptr_t tls) {
  return start_routine == 0 || tls == 0 ? 0 : tls + static_cast<uintptr_t>(start_routine);
}

void learn_thread_layout() {
  run_in_new_thread(watch_own_record);
  run_in_new_thread(find_own_start_routine);
  const auto* offset = static_cast<const ptrdiff_t*>(dlsym(RTLD_DEFAULT, "__rseq_offset"));
  const auto* size = static_cast<const unsigned int*>(dlsym(RTLD_DEFAULT, "__rseq_size"));
  if (offset == nullptr || size == nullptr) return;
  rseq_offset = *offset;
  rseq_size = *size;
}

void capture(KernelState& state) {
  memset(&state, 0, sizeof state);
  state.tls = thread_pointer();
  state.cleared_word = cleared_word();
  sys(SYS_get_robust_list, 0, &state.robust_list, &state.robust_list_size);
  prctl(PR_GET_NAME, state.name);
  state.timer_slack = static_cast<unsigned long>(prctl(PR_GET_TIMERSLACK));
  sys(SYS_sched_getattr, 0, &state.scheduler, sizeof state.scheduler, 0);
  state.affinity_size = sys(SYS_sched_getaffinity, 0, sizeof state.affinity, state.affinity);
}

void restore(const KernelState& state, const KernelState& creator) {
  sys(SYS_set_robust_list, state.robust_list, state.robust_list_size);
  register_rseq(state.tls);
  prctl(PR_SET_NAME, state.name);
  if (state.timer_slack != creator.timer_slack) prctl(PR_SET_TIMERSLACK, state.timer_slack);
  if (memcmp(&state.scheduler, &creator.scheduler, sizeof state.scheduler) != 0) {
    sys(SYS_sched_setattr, 0, &state.scheduler, 0);
  }
  if (state.affinity_size > 0 &&
      memcmp(state.affinity, creator.affinity, static_cast<size_t>(state.affinity_size)) != 0) {
    sys(SYS_sched_setaffinity, 0, static_cast<size_t>(state.affinity_size), state.affinity);
  }
}

}  // namespace prefork
