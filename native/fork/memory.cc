#include "fork/memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fork/faults.h"
#include "fork/maps.h"
#include "fork/rings.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

// The kernel shows the mark only in smaps, which walks all page tables (13 ms at 350 MB). But the
// mark is a property of a whole mapping: marking the first page of an unmarked mapping splits it,
// marking that of a marked one changes nothing. So: mark all first pages, look which mappings are
// still whole, and take away every mark that should not be there.
//
// V8 marks anonymous private memory only. The kernel's own mappings must not be touched at all:
// MADV_DOFORK refuses [vvar], so a mark set there could not be taken away.

constexpr int kMaxMappings = 262144;

struct Candidate {
  uintptr_t start;
  uintptr_t end;
  uintptr_t pointer;  // what a marked one is known again by
  bool accessible;
  bool readable;
  bool next;    // there is no mapping but candidates between this one and the one before
  bool tested;  // its first page was marked to see whether it splits
  bool marked;

  uintptr_t size() const { return end - start; }
};

struct Table {
  int count;
  Candidate candidates[kMaxMappings];

  Candidate* begin() { return candidates; }
  Candidate* end() { return candidates + count; }
};

// What this fork has found, and what the last one had, of this process or of its parent.
Table tables[2];
Table* found = &tables[0];
Table* last = &tables[1];

const uintptr_t page_size = static_cast<uintptr_t>(getpagesize());

void begin_anew() {
  Table* const before = last;
  last = found;
  found = before;
  found->count = 0;
}

int advise(uintptr_t start, uintptr_t size, int advice) {
  return static_cast<int>(sys(SYS_madvise, start, size, advice));
}

int list_candidates() {
  bool next = false;
  return for_each_mapping([&](const Mapping& mapping) {
    notice_ring_mapping(mapping);
    if (mapping.anonymous && found->count == kMaxMappings) return -E2BIG;
    if (mapping.anonymous) {
      Candidate& candidate = found->candidates[found->count++];
      candidate = {};
      candidate.start = mapping.start;
      candidate.end = mapping.end;
      candidate.accessible = mapping.accessible;
      candidate.readable = mapping.readable;
      candidate.next = next;
    }
    next = mapping.anonymous;
    return 0;
  });
}

// --- what is known from the last fork
//
// A heap has thousands of mappings, and most are the same at the next fork. Only the others are
// tested. What must not happen is that a mark is put on what has come to a marked one's place, for
// then a process that is spawned would lack it. So such a one must have the same extent, and in
// what V8 writes at the beginning of its pages (its flags, then where its heap or its own record
// is) the same pointer; or be inaccessible as before. The opposite does no harm: if V8 has put a
// marked one where an unmarked one was, that one loses its mark.

uintptr_t first_pointer(const Candidate& candidate) {
  constexpr size_t kWords = 8;
  constexpr uintptr_t kLeast = 1 << 20;  // smaller ones are flags and sizes
  uintptr_t words[kWords];
  if (!candidate.readable || !read_words(candidate.start, words, kWords)) return 0;
  for (size_t i = 1; i < kWords; ++i) {
    if (words[i] >= kLeast) return words[i];
  }
  return 0;
}

bool is_still_marked(const Candidate& now, const Candidate& then) {
  if (now.end != then.end || now.accessible != then.accessible) return false;
  return !now.accessible || (then.pointer != 0 && first_pointer(now) == then.pointer);
}

bool is_known(Candidate& now, const Candidate& then) {
  if (!then.marked) return true;
  now.marked = is_still_marked(now, then);
  now.pointer = then.pointer;
  return now.marked;
}

// Both tables are ordered by address. Answers how many were not known.
int test_unknown() {
  int tested = 0;
  const Candidate* then = last->begin();
  for (Candidate& now : *found) {
    while (then < last->end() && then->start < now.start) ++then;
    if (then < last->end() && then->start == now.start && is_known(now, *then)) continue;
    if (now.size() == page_size) continue;
    now.tested = advise(now.start, page_size, MADV_DONTFORK) == 0;
    ++tested;
  }
  return tested;
}

// --- which of those tested are still whole
//
// A marked mapping may meanwhile have grown at its end by the first page of the next one, but it
// still reaches at least to where it ended.

void judge(Candidate& candidate, uintptr_t start, uintptr_t end) {
  if (!candidate.tested) return;
  candidate.marked = candidate.start == start && end >= candidate.end;
  if (candidate.marked) candidate.pointer = first_pointer(candidate);
}

int look_up_tested() {
  MappingLookup mappings;
  for (Candidate& candidate : *found) {
    if (!candidate.tested) continue;
    uintptr_t start, end;
    const int result = mappings.find(candidate.start, start, end);
    if (result < 0) return result;
    judge(candidate, start, end);
  }
  return 0;
}

int look_through_all() {
  Candidate* candidate = found->begin();
  return for_each_mapping([&](const Mapping& now) {
    while (candidate < found->end() && candidate->start < now.start) ++candidate;
    if (candidate < found->end() && candidate->start == now.start) {
      judge(*candidate, now.start, now.end);
    }
    return 0;
  });
}

int see_which_are_whole(int tested) {
  if (tested == 0) return 0;
  const bool few = tested < found->count / 2;
  return few && look_up_tested() == 0 ? 0 : look_through_all();
}

// A mapping of one page cannot be split. V8's are the guard pages between its own.
void judge_guard_pages() {
  for (Candidate* c = found->begin(); c < found->end(); ++c) {
    if (c->size() > page_size || c->accessible) continue;
    const Candidate* before = c > found->begin() ? c - 1 : nullptr;
    const Candidate* behind = c + 1 < found->end() ? c + 1 : nullptr;
    c->marked = (before != nullptr && before->marked && before->end == c->start) ||
                (behind != nullptr && behind->marked && behind->start == c->end);
  }
}

// One call for each run of candidates for which `wanted` holds. What is not mapped in between does
// no harm: the kernel goes on behind it, and says ENOMEM at the end (man 2 madvise); when it really
// has no memory it says EAGAIN. A V8 heap lies scattered, but often with nothing else in between.
template <typename Wanted>
int advise_runs(int advice, Wanted wanted) {
  int result = 0;
  for (const Candidate* c = found->begin(); c < found->end(); ++c) {
    if (!wanted(*c)) continue;
    const uintptr_t start = c->start;
    while (c + 1 < found->end() && c[1].next && wanted(c[1])) ++c;
    const int advised = advise(start, c->end - start, advice);
    if (advised < 0 && advised != -ENOMEM) result = advised;
  }
  return result;
}

}  // namespace

int unmark_memory() {
  begin_anew();
  int result = list_candidates();
  if (result < 0) {
    found->count = 0;
    return result;
  }
  {
    const FaultsSurvived survived;
    result = see_which_are_whole(test_unknown());
  }
  // All of them, whatever was seen: a mark too few costs a later spawn some time, a mark too many
  // would leave a hole in a child.
  const int unmarked = advise_runs(MADV_DOFORK, [](const Candidate&) { return true; });
  if (result == 0) result = unmarked;
  if (result < 0) {
    mark_memory();
    return result;
  }
  judge_guard_pages();
  return 0;
}

void mark_memory() {
  advise_runs(MADV_DONTFORK, [](const Candidate& candidate) { return candidate.marked; });
}

}  // namespace prefork
