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

void own_mutexes_by(pid_t, pid_t) {}

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

// The list of the mutexes that know their owner and that the thread holds (robust_list of musl's
// record; src/thread/pthread_mutex_trylock.c): where its head is in the record, and a mutex seen
// from its place in the list. Learnt from one that is held for a moment.
struct HeldMutexes {
  size_t head;  // in pointers from the record's beginning; 0: not found
  ptrdiff_t to_mutex;
};
HeldMutexes held_mutexes;

constexpr size_t kLockWord = 1;  // of a pthread_mutex_t, in ints; its first is the type
constexpr int kOwner = 0x3fffffff, kBetweenProcesses = 128;

uintptr_t* list_head(size_t position) { return reinterpret_cast<uintptr_t*>(record()) + position; }

void find_held_mutexes() {
  pthread_mutexattr_t recursive;
  pthread_mutexattr_init(&recursive);
  pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_t mutex;
  pthread_mutex_init(&mutex, &recursive);
  pthread_mutex_lock(&mutex);
  const auto start = reinterpret_cast<uintptr_t>(&mutex);
  for (size_t i = 1; i < kWords * sizeof(pid_t) / sizeof(uintptr_t); ++i) {
    const uintptr_t entry = *list_head(i);
    if (entry < start || entry >= start + sizeof mutex) continue;
    held_mutexes = {i, static_cast<ptrdiff_t>(start - entry)};
    break;
  }
  const bool has_owner = (reinterpret_cast<const int*>(&mutex)[kLockWord] & kOwner) == *tid_word();
  if (!has_owner) held_mutexes.head = 0;
  pthread_mutex_unlock(&mutex);
}

}  // namespace

void own_mutexes_by(pid_t new_tid, pid_t old_tid) {
  if (held_mutexes.head == 0) return;
  const uintptr_t* head = list_head(held_mutexes.head);
  for (uintptr_t entry = *head; entry != reinterpret_cast<uintptr_t>(head);
       entry = *reinterpret_cast<const uintptr_t*>(entry)) {
    auto* words = reinterpret_cast<int*>(entry + static_cast<uintptr_t>(held_mutexes.to_mutex));
    if ((words[0] & kBetweenProcesses) != 0 || (words[kLockWord] & kOwner) != old_tid) continue;
    words[kLockWord] = (words[kLockWord] & ~kOwner) | new_tid;
  }
}

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
  if (found == 1) find_held_mutexes();
  return found == 1 && cleared_word() != nullptr ? 0 : -ENOSYS;
}

#endif

}  // namespace prefork
