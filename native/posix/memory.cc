#include "posix/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include "posix/maps.h"
#include "posix/rings.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

// The kernel shows the mark only in smaps, which walks all page tables (13 ms at 350 MB). But the
// mark is a property of a whole mapping: marking the first page of an unmarked mapping splits it,
// marking that of a marked one changes nothing. So: mark all first pages, look which mappings are
// still whole, and take away every mark that should not be there.
//
// Splitting takes longer than all else here, so a mapping that was found without a mark is not
// tried again at later forks. Should V8 have put one with a mark at exactly its place, that one
// loses it.
//
// V8 marks anonymous private memory only. The kernel's own mappings must not be touched at all:
// MADV_DOFORK refuses [vvar], so a mark set there could not be taken away.

constexpr int kMaxMappings = 262144;

struct Candidate {
  uintptr_t start;
  uintptr_t end;
  bool accessible;
  bool tested;  // its first page was marked to see whether it splits
  bool marked;

  uintptr_t size() const { return end - start; }
};

Candidate candidates[kMaxMappings];
int candidate_count;

struct Range {
  uintptr_t start;
  uintptr_t end;
};

// What the last fork of this process or of its parent found without a mark, in order.
Range unmarked[kMaxMappings];
int unmarked_count;

const uintptr_t page_size = static_cast<uintptr_t>(getpagesize());

int advise(uintptr_t start, uintptr_t size, int advice) {
  return static_cast<int>(sys(SYS_madvise, start, size, advice));
}

int list_candidates() {
  candidate_count = 0;
  return for_each_mapping([](const Mapping& mapping) {
    notice_ring_mapping(mapping);
    if (!mapping.anonymous) return 0;
    if (candidate_count == kMaxMappings) return -E2BIG;
    candidates[candidate_count++] = {mapping.start, mapping.end, mapping.accessible, false, false};
    return 0;
  });
}

void mark_first_pages() {
  const Range* known = unmarked;
  const Range* const end = unmarked + unmarked_count;
  for (Candidate* c = candidates; c < candidates + candidate_count; ++c) {
    while (known < end && known->start < c->start) ++known;
    if (known < end && known->start == c->start && known->end == c->end) continue;
    c->tested = c->size() > page_size && advise(c->start, page_size, MADV_DONTFORK) == 0;
  }
}

void note_unmarked() {
  unmarked_count = 0;
  for (const Candidate* c = candidates; c < candidates + candidate_count; ++c) {
    if (!c->marked) unmarked[unmarked_count++] = {c->start, c->end};
  }
}

// Both lists are in the order of addresses. A marked mapping may meanwhile have grown at its end by
// the first page of the next one, but it still reaches at least to where it ended.
int see_which_are_whole() {
  Candidate* c = candidates;
  Candidate* const end = candidates + candidate_count;
  return for_each_mapping([&](const Mapping& now) {
    while (c < end && c->start < now.start) ++c;
    if (c < end && c->start == now.start) c->marked = c->tested && now.end >= c->end;
    return 0;
  });
}

// A mapping of one page cannot be split. V8's are the guard pages between its own.
void judge_guard_pages() {
  for (int i = 0; i < candidate_count; ++i) {
    Candidate& c = candidates[i];
    if (c.size() > page_size || c.accessible) continue;
    const Candidate* before = i > 0 ? &c - 1 : nullptr;
    const Candidate* behind = i + 1 < candidate_count ? &c + 1 : nullptr;
    c.marked = (before != nullptr && before->marked && before->end == c.start) ||
               (behind != nullptr && behind->marked && behind->start == c.end);
  }
}

// One call for each run of neighbours for which `wanted` holds.
template <typename Wanted>
int advise_runs(int advice, Wanted wanted) {
  int result = 0;
  for (int i = 0; i < candidate_count; ++i) {
    if (!wanted(candidates[i])) continue;
    const uintptr_t start = candidates[i].start;
    while (i + 1 < candidate_count && wanted(candidates[i + 1]) &&
           candidates[i + 1].start == candidates[i].end) {
      ++i;
    }
    const int advised = advise(start, candidates[i].end - start, advice);
    if (advised < 0) result = advised;
  }
  return result;
}

}  // namespace

int unmark_memory() {
  int result = list_candidates();
  if (result < 0) return result;
  mark_first_pages();
  result = see_which_are_whole();
  // All of them, whatever was seen: a mark too few costs a later spawn some time, a mark too many
  // would leave a hole in a child.
  const int unmarked = advise_runs(MADV_DOFORK, [](const Candidate&) { return true; });
  if (result == 0) result = unmarked;
  if (result < 0) {
    mark_memory();
    return result;
  }
  judge_guard_pages();
  note_unmarked();
  return 0;
}

void mark_memory() {
  advise_runs(MADV_DONTFORK, [](const Candidate& candidate) { return candidate.marked; });
}

}  // namespace prefork
