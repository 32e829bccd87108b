#include "v8/huge_pages.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "v8/heap_layout.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

namespace prefork {

namespace {

constexpr uintptr_t kPage = 4096;
constexpr uintptr_t kAtOnce = 16 * kHugePage;  // between two looks at the clock

int64_t milliseconds_now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

// For what is not there memory would have to be found: for a quarter at most.
bool is_mostly_there(uintptr_t start) {
  constexpr size_t kPages = kHugePage / kPage;
  unsigned char there[kPages];
  if (mincore(reinterpret_cast<void*>(start), kHugePage, there) == -1) return false;
  size_t count = 0;
  for (const unsigned char page : there) count += page & 1;
  return count >= kPages - kPages / 4;
}

bool is_worth_moving(uintptr_t start, const AddressRange& range) {
  return start + kHugePage <= range.end && is_gathered(start, kHugePage) && is_mostly_there(start);
}

uintptr_t next_worth_moving(uintptr_t from, const AddressRange& range) {
  while (from < range.end) {
    from = (next_gathered(from) + kHugePage - 1) & ~(kHugePage - 1);
    if (from < range.end && is_worth_moving(from, range)) return from;
    from += kHugePage;
  }
  return range.end;
}

int advise(uintptr_t start, uintptr_t end, int advice) {
  return madvise(reinterpret_cast<void*>(start), end - start, advice) == -1 ? -errno : 0;
}

// A child has a copy, of memory that was treated alike.
bool kernel_is_kept_off;

}  // namespace

// V8's other threads go on meanwhile: what they give back is not there any more, and refused.
size_t move_heap_to_huge_pages(int milliseconds) {
  const AddressRange range = gathered_range();
  if (range.start == range.end || getpagesize() != kPage) return 0;
  if (kernel_is_kept_off) advise(range.start, range.end, MADV_HUGEPAGE);
  const int64_t deadline = milliseconds_now() + milliseconds;
  size_t moved = 0;
  uintptr_t start = next_worth_moving(range.start, range);
  while (start < range.end && milliseconds_now() < deadline) {
    uintptr_t end = start + kHugePage;
    while (end - start < kAtOnce && is_worth_moving(end, range)) end += kHugePage;
    const int result = advise(start, end, MADV_COLLAPSE);
    if (result == -ENOMEM) break;  // none is free
    if (result == 0) moved += end - start;
    start = next_worth_moving(end, range);
  }
  advise(range.start, range.end, MADV_NOHUGEPAGE);
  kernel_is_kept_off = true;
  return moved;
}

}  // namespace prefork
