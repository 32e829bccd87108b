// Threads that take and free places at the same time never have one in common, also where the row
// goes over several words; what is free again is taken again; and a full row has none.
#include "v8/places.h"

#include <pthread.h>

#include "check.h"

namespace {

constexpr size_t kCount = 64 * 5;
constexpr int kThreads = 4;
constexpr int kRounds = 100000;

prefork::Places<kCount> places;
std::atomic<int> owners[kCount];

uint32_t next_random(uint32_t& state) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

void own(size_t first, size_t count, int change, int expected) {
  for (size_t i = first; i < first + count; ++i) CHECK(owners[i].fetch_add(change) == expected);
}

void* take_and_free(void* seed) {
  struct Row {
    size_t first, count;
  } rows[3] = {};
  auto state = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(seed));
  for (int round = 0; round < kRounds; ++round) {
    Row& row = rows[round % 3];
    if (row.count > 0) {
      own(row.first, row.count, -1, 1);
      places.free(row.first, row.count);
    }
    const uint32_t random = next_random(state);
    row.count = random % 50 == 0 ? 1 + random % 150 : 1 + random % 3;
    row.first = places.take(0, kCount, row.count);
    if (row.first == places.kNone) row.count = 0;
    own(row.first, row.count, 1, 0);
  }
  for (const Row& row : rows) {
    if (row.count == 0) continue;
    own(row.first, row.count, -1, 1);
    places.free(row.first, row.count);
  }
  return nullptr;
}

void one_thread() {
  CHECK(places.take(0, kCount, 2) == 0);
  CHECK(places.take(0, kCount, 1) == 2);
  CHECK(places.take(60, kCount, 100) == 60);
  CHECK(places.take(0, 64, 10) == 3);
  CHECK(places.take(0, 64, 48) == places.kNone);
  CHECK(places.are_taken(60, 100) && !places.are_taken(59, 3) && !places.are_taken(150, 11));
  CHECK(places.next(13, kCount, true) == 60 && places.next(0, kCount, false) == 13);
  CHECK(places.next(160, kCount, true) == kCount && places.next(60, 160, false) == 160);
  places.free(0, 13);
  CHECK(places.take(0, kCount, 60) == 0);
  CHECK(places.take(0, kCount, kCount - 160) == 160);
  CHECK(places.take(0, kCount, 1) == places.kNone);
  places.free(0, kCount);
  CHECK(places.next(0, kCount, true) == kCount);
  CHECK(places.take(0, kCount, kCount) == 0);
  places.free(0, kCount);
}

void many_threads() {
  pthread_t threads[kThreads];
  for (uintptr_t i = 0; i < kThreads; ++i) {
    CHECK(pthread_create(&threads[i], nullptr, take_and_free, reinterpret_cast<void*>(i + 1)) == 0);
  }
  for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  CHECK(places.next(0, kCount, true) == kCount);
}

}  // namespace

int main() {
  one_thread();
  many_threads();
  printf("ok\n");
}
