#include "loop/pool_hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posix/futex.h"

namespace prefork {

namespace {

// libuv: src/threadpool.c, MAX_THREADPOOL_SIZE and default_threads.
constexpr int kMostThreads = 1024, kDefaultThreads = 4;
constexpr const char* kSizeVariable = "UV_THREADPOOL_SIZE";

int pool_size;
uintptr_t routine;
uintptr_t (*routine_of_caller)();

// Those that sleep now, in whichever hold; 0: nobody's place.
std::atomic<uintptr_t> sleepers[kMostThreads];

// Works of all holds that the loop has not seen end.
unsigned works_outstanding;

#if defined(__x86_64__)
uintptr_t own_thread_pointer() {
  uintptr_t pointer;
  __asm__("mov %%fs:0, %0" : "=r"(pointer));
  return pointer;
}
#else
uintptr_t own_thread_pointer() { return reinterpret_cast<uintptr_t>(__builtin_thread_pointer()); }
#endif

std::atomic<uintptr_t>* take_place() {
  for (auto& place : sleepers) {
    uintptr_t nobody = 0;
    if (place.compare_exchange_strong(nobody, own_thread_pointer())) return &place;
  }
  return nullptr;
}

int size_by_environment() {
  const char* text = getenv(kSizeVariable);
  if (text == nullptr) return kDefaultThreads;
  const int size = atoi(text);
  if (size == 0) return 1;
  return size < 0 || size > kMostThreads ? kMostThreads : size;
}

}  // namespace

// Freed when the last of its works and handles has ended.
struct PoolHold {
  uv_loop_t* loop;
  void (*held)(void* context);
  void* context;
  uv_async_t arrived;
  uv_timer_t patience;
  Word released;
  std::atomic<int> sleeping;
  int works;
  int parts;  // works and handles that have not ended
  bool told;
  uv_work_t* work;  // right behind this
};

namespace {

void part_ended(PoolHold* hold) {
  if (--hold->parts == 0) free(hold);
}

void sleep_until_released(uv_work_t* work) {
  auto* hold = static_cast<PoolHold*>(work->data);
  if (hold->released.load() != 0) return;
  if (routine == 0 && routine_of_caller != nullptr) routine = routine_of_caller();
  std::atomic<uintptr_t>* const place = take_place();
  if (hold->sleeping.fetch_add(1) + 1 == hold->works) uv_async_send(&hold->arrived);
  while (hold->released.load() == 0) futex_wait(hold->released, 0);
  if (place != nullptr) place->store(0);
}

void work_ended(uv_work_t* work, int) {
  --works_outstanding;
  part_ended(static_cast<PoolHold*>(work->data));
}

void tell(PoolHold* hold) {
  if (hold->told) return;
  hold->told = true;
  hold->held(hold->context);
}

}  // namespace

void learn_pool_size() {
  if (pool_size == 0) pool_size = size_by_environment();
}

PoolHold* hold_pool(uv_loop_t* loop, uint64_t milliseconds, void (*held)(void* context),
                    void* context) {
  const auto works = static_cast<size_t>(pool_size);
  auto* hold = static_cast<PoolHold*>(calloc(1, sizeof(PoolHold) + works * sizeof(uv_work_t)));
  if (hold == nullptr) return nullptr;
  hold->work = reinterpret_cast<uv_work_t*>(hold + 1);
  hold->loop = loop;
  hold->held = held;
  hold->context = context;
  hold->works = pool_size;
  hold->parts = pool_size + 2;
  hold->arrived.data = hold;
  hold->patience.data = hold;
  const int opened = uv_async_init(
      loop, &hold->arrived, [](uv_async_t* handle) { tell(static_cast<PoolHold*>(handle->data)); });
  if (opened < 0) {
    free(hold);
    return nullptr;
  }
  uv_timer_init(loop, &hold->patience);
  uv_timer_start(
      &hold->patience, [](uv_timer_t* handle) { tell(static_cast<PoolHold*>(handle->data)); },
      milliseconds, 0);
  for (int i = 0; i < hold->works; ++i) {
    hold->work[i].data = hold;
    uv_queue_work(loop, &hold->work[i], sleep_until_released, work_ended);
  }
  works_outstanding += static_cast<unsigned>(hold->works);
  return hold;
}

void release_pool(PoolHold* hold) {
  hold->told = true;
  hold->released.store(1);
  futex_wake_all(hold->released);
  const auto closed = [](uv_handle_t* handle) { part_ended(static_cast<PoolHold*>(handle->data)); };
  uv_close(reinterpret_cast<uv_handle_t*>(&hold->arrived), closed);
  uv_close(reinterpret_cast<uv_handle_t*>(&hold->patience), closed);
}

int threads_not_held(const PoolHold* hold, bool alone) {
  const int sleeping = hold->sleeping.load();
  if (sleeping < hold->works && sleeping > 0 && alone &&
      hold->loop->active_reqs.count == works_outstanding) {
    pool_size = sleeping;
    return 0;
  }
  return hold->works - sleeping;
}

bool is_any_held(const PoolHold* hold) { return hold->sleeping.load() > 0; }

bool is_held_up(uintptr_t thread_pointer) {
  for (const auto& place : sleepers) {
    if (place.load() == thread_pointer) return true;
  }
  return false;
}

void learn_pool_routine(uintptr_t (*own_start_routine)()) { routine_of_caller = own_start_routine; }

uintptr_t pool_routine() { return routine; }

void forget_holds() {
  for (auto& place : sleepers) place.store(0);
  works_outstanding = 0;
}

// libuv counts how many threads have slow work in hand (getaddrinfo), allows half of them to, and
// does not forget in a child (src/threadpool.c, slow_io_work_running). So where some were left
// behind in the middle of a work, there are as many more that may.
int renew_pool(uv_loop_t* loop, int missing) {
  pool_size = size_by_environment();
  if (missing == 0) return 0;
  char size[16];
  const char* known = getenv(kSizeVariable);
  char* before = known == nullptr ? nullptr : strdup(known);
  const int wanted = pool_size + 2 * missing;
  snprintf(size, sizeof size, "%d", wanted < kMostThreads ? wanted : kMostThreads);
  setenv(kSizeVariable, size, 1);
  static uv_work_t first;
  const int result = uv_queue_work(
      loop, &first, [](uv_work_t*) {}, [](uv_work_t*, int) {});
  if (before == nullptr) {
    unsetenv(kSizeVariable);
  } else {
    setenv(kSizeVariable, before, 1);
    free(before);
  }
  if (result == 0) pool_size = wanted;
  return result;
}

}  // namespace prefork
