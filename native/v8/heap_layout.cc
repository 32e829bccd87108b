#include "v8/heap_layout.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "posix/imports.h"
#include "posix/random.h"
#include "v8/places.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace prefork {

namespace {

constexpr uintptr_t kMB = 1024 * 1024, kGB = 1024 * kMB;

// A page of V8's (MemoryChunk, kRegularPageSize), and what each is aligned to.
constexpr uintptr_t kPlace = kGatheredPiece;
constexpr uintptr_t kLargest = 64 * kMB;  // what is larger has page tables of its own anyway
constexpr uintptr_t kRange = 64 * kGB;    // what does not go into it goes where it would have gone
constexpr size_t kPlaces = kRange / kPlace;

Places<kPlaces> places;
// Pages of V8's own size lie without a gap in the first half. What has another size, such as a page
// for one large object, leaves a gap behind it, and lies in the second.
constexpr size_t kMiddle = kPlaces / 2;

// The first half has parts, for threads that ask at the same time: see take_regular().
constexpr size_t kArenas = 8;
constexpr size_t kArena = kMiddle / kArenas;

const uintptr_t page_size = static_cast<uintptr_t>(getpagesize());
uintptr_t base;

using Map = void* (*)(void*, size_t, int, int, int, off64_t);
using Unmap = int (*)(void*, size_t);
Map map_as_before;
Unmap unmap_as_before;

// --- where

// With addresses of 47 bits there are 2^29 bases. V8 itself uses 46 of them: where much of its heap
// lies there already, hardly any range is free but in the upper half. With fewer than these the
// random part of an address would become too small.
constexpr uintptr_t kLeastBases = uintptr_t{1} << 28;

// The stack is at the upper end of what a process may use.
uintptr_t end_of_addresses() {
  const auto stack = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  return uintptr_t{1} << (64 - __builtin_clzl(stack));
}

// 0 if there is too little room.
uintptr_t random_base() {
  const uintptr_t end = end_of_addresses();
  const uintptr_t least = 64 * kGB;                // above a program that is not moved
  const uintptr_t most = end - end / 64 - kRange;  // below libraries and stacks
  if (end < 4 * kRange || (most - least) / kPlace < kLeastBases) return 0;
  uintptr_t random;
  fill_randomly(&random, sizeof random);
  return least + random % ((most - least) / kPlace) * kPlace;
}

// Whether nothing lies there yet. What cannot be looked at (RLIMIT_AS) is taken for free: each
// place is looked at again when it is taken.
bool is_free(uintptr_t start) {
  void* const wanted = reinterpret_cast<void*>(start);
  void* const got = mmap(wanted, kRange, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED) return errno != EEXIST;
  munmap(got, kRange);
  return got == wanted;
}

uintptr_t find_base() {
  for (int attempt = 0; attempt < 64; ++attempt) {
    const uintptr_t found = random_base();
    if (found == 0 || is_free(found)) return found;
  }
  return 0;
}

// --- what V8 calls instead of mmap() and munmap(), in any thread

bool looks_like_heap(const void* hint, size_t size, int protection, int flags, int fd) {
  const auto address = reinterpret_cast<uintptr_t>(hint);
  return hint != nullptr && address % kPlace == 0 && size >= kPlace && size <= kLargest &&
         (protection & PROT_EXEC) == 0 && fd == -1 &&
         (flags & ~MAP_NORESERVE) == (MAP_PRIVATE | MAP_ANONYMOUS);
}

size_t places_for(size_t size) { return (size + kPlace - 1) / kPlace; }

// The first place from this one on that begins a huge page: all from there on can lie on one.
size_t on_huge_page(size_t place) {
  const uintptr_t start = base + place * kPlace;
  return ((start + kHugePage - 1) / kHugePage * kHugePage - base) / kPlace;
}

// To get memory that is aligned V8 asks for a place more, less the kernel's page, and gives back
// what it does not need (OS::Allocate). If another thread asked in between, a place would be left
// free that is too small for all that is asked for later, and its 2 MB could never be a huge page;
// and V8 allocates in several threads at a time whenever it collects garbage. So an arena is one
// thread's from what it takes until it gives something back. If all are, the first serves.
std::atomic<pthread_t> owners[kArenas];

size_t take_regular(size_t count) {
  const pthread_t self = pthread_self();
  size_t arena = 0;
  for (size_t i = 0; i < kArenas; ++i) {
    pthread_t owner = 0;
    if (!owners[i].compare_exchange_strong(owner, self) && owner != self) continue;
    arena = i;
    break;
  }
  return places.take(on_huge_page(arena * kArena), kMiddle, count);
}

// A thread that a child does not get back keeps what it had there: an arena less.
void release_arenas() {
  const pthread_t self = pthread_self();
  for (std::atomic<pthread_t>& owner : owners) {
    if (owner.load(std::memory_order_relaxed) == self) owner = 0;
  }
}

size_t take_places(size_t size) {
  const bool is_regular = (size + page_size) % kPlace == 0;
  const size_t count = places_for(size);
  return is_regular ? take_regular(count) : places.take(on_huge_page(kMiddle), kPlaces, count);
}

// nullptr if it is to be done as before.
void* map_in_place(size_t size, int protection, int flags) {
  for (int attempt = 0; attempt < 16; ++attempt) {
    const size_t first = take_places(size);
    if (first == places.kNone) return nullptr;
    void* const wanted = reinterpret_cast<void*>(base + first * kPlace);
    void* const got = map_as_before(wanted, size, protection, flags | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == wanted) return got;
    // Somebody else's memory lies there: these places stay taken.
    if (got == MAP_FAILED && errno == EEXIST) continue;
    // Linux before 4.17 takes the flag for none, and has chosen another address.
    if (got != MAP_FAILED) return got;
    places.free(first, places_for(size));
    return nullptr;
  }
  return nullptr;
}

void* map(void* hint, size_t size, int protection, int flags, int fd, off64_t offset) {
  if (looks_like_heap(hint, size, protection, flags, fd)) {
    const int error_before = errno;
    void* const got = map_in_place(size, protection, flags);
    errno = error_before;
    if (got != nullptr) return got;
  }
  return map_as_before(hint, size, protection, flags, fd, offset);
}

// A place is free when its beginning is. V8 gives memory back from the end.
void free_places(uintptr_t start, size_t size) {
  if (start + size <= base || start >= base + kRange) return;
  const uintptr_t from = start < base ? 0 : start - base;
  const uintptr_t to = start + size > base + kRange ? kRange : start + size - base;
  const size_t first = places_for(from);
  const size_t end = places_for(to);
  if (first < end) places.free(first, end - first);
}

int unmap(void* start, size_t size) {
  const int result = unmap_as_before(start, size);
  if (result == 0) free_places(reinterpret_cast<uintptr_t>(start), size);
  release_arenas();
  return result;
}

// --- the change

const char* redirect(Import& maps, Import& unmaps) {
  map_as_before = reinterpret_cast<Map>(maps.function());
  unmap_as_before = reinterpret_cast<Unmap>(unmaps.function());
  if (unmaps.replace(reinterpret_cast<void*>(unmap)) == 0) {
    if (maps.replace(reinterpret_cast<void*>(map)) == 0) return nullptr;
    unmaps.replace(reinterpret_cast<void*>(unmap_as_before));
  }
  return "the table by which V8 calls mmap() cannot be written to";
}

const char* gather() {
#if !defined(__GLIBC__)
  return "this is not glibc";
#endif
  const void* const v8 = dlsym(RTLD_DEFAULT, "_ZN2v87Isolate10GetCurrentEv");
  if (v8 == nullptr) return "V8 cannot be found";
  Import maps(v8, "mmap64", "mmap");
  Import unmaps(v8, "munmap", "munmap");
  if (!maps.is_found() || !unmaps.is_found()) return "V8's calls of mmap() cannot be found";
  if (!maps.is_of_libc() || !unmaps.is_of_libc()) return "mmap() is not the C library's own";
  base = find_base();
  if (base == 0) return "there are too few addresses";
  return redirect(maps, unmaps);
}

// Held across the fork by the thread that forks: in a child it is held by nobody who is not there.
pthread_mutex_t gathering = PTHREAD_MUTEX_INITIALIZER;
bool was_asked;
const char* why_not;
std::atomic<bool> gathers;

}  // namespace

const char* gather_heap() {
  pthread_mutex_lock(&gathering);
  if (!was_asked) why_not = gather();
  was_asked = true;
  gathers = why_not == nullptr;
  pthread_mutex_unlock(&gathering);
  return why_not;
}

HeldGathering::HeldGathering() { pthread_mutex_lock(&gathering); }

HeldGathering::~HeldGathering() { pthread_mutex_unlock(&gathering); }

AddressRange gathered_range() {
  if (!gathers) return {0, 0};
  return {base, base + kRange};
}

bool is_gathered(uintptr_t start, size_t size) {
  return places.are_taken((start - base) / kPlace, size / kPlace);
}

uintptr_t next_gathered(uintptr_t from) {
  return base + places.next((from - base) / kPlace, kPlaces, true) * kPlace;
}

}  // namespace prefork
