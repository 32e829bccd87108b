#include "fork/libc.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "fork/arch.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

bool holds_own_tid(const pid_t* word) { return word != nullptr && *word == sys(SYS_gettid); }

}  // namespace

pid_t* cleared_word() {
  pid_t* word = nullptr;
  return prctl(PR_GET_TID_ADDRESS, &word) < 0 ? nullptr : word;
}

#if defined(__GLIBC__)

pid_t* tid_word() { return cleared_word(); }

int find_tid_word() { return holds_own_tid(tid_word()) ? 0 : -ENOSYS; }

#else

namespace {

// Among the first words of the record, which differ by version and processor, the one that holds
// the tid in two threads. pthread_self() points to the record, at a fixed distance from the thread
// pointer.
constexpr size_t kWords = 64;
ptrdiff_t tid_distance;  // from the thread pointer; 0: not found

pid_t* record() { return reinterpret_cast<pid_t*>(pthread_self()); }

void* rule_out(void* argument) {
  auto* possible = static_cast<bool*>(argument);
  for (size_t i = 0; i < kWords; ++i) possible[i] = possible[i] && holds_own_tid(record() + i);
  return nullptr;
}

}  // namespace

// The thread pointer is asked of the kernel: a thread that some runtime made with a bare clone may
// have none.
pid_t* tid_word() {
  const uintptr_t pointer = thread_pointer();
  if (pointer == 0 || tid_distance == 0) return nullptr;
  return reinterpret_cast<pid_t*>(pointer + static_cast<uintptr_t>(tid_distance));
}

int find_tid_word() {
  bool possible[kWords];
  for (bool& word : possible) word = true;
  pthread_t other;
  if (pthread_create(&other, nullptr, rule_out, possible) != 0) return -ENOSYS;
  pthread_join(other, nullptr);
  rule_out(possible);
  int found = 0;
  for (size_t i = 0; i < kWords; ++i) {
    if (!possible[i]) continue;
    ++found;
    tid_distance =
        reinterpret_cast<char*>(record() + i) - reinterpret_cast<char*>(thread_pointer());
  }
  if (found != 1) tid_distance = 0;
  return found == 1 && cleared_word() != nullptr ? 0 : -ENOSYS;
}

#endif

}  // namespace prefork
