#include "fork/rings.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fork/faults.h"
#include "fork/procfs.h"
#include "posix/retry_on_eintr.h"
#include "posix/syscall.h"

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#endif

namespace prefork {

namespace {

// linux/io_uring.h of Linux 6.6; the headers of older systems lack the last of these.
struct Offsets {
  uint32_t head, tail, mask, entries;
  uint32_t more[4];
  uint64_t user_memory;
  uint32_t sq_dropped() const { return more[1]; }
  uint32_t sq_array() const { return more[2]; }
  uint32_t cq_completions() const { return more[1]; }
};
struct Parameters {
  uint32_t sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features, wq_fd;
  uint32_t reserved[3];
  Offsets sq, cq;
};
static_assert(sizeof(Parameters) == 120, "struct io_uring_params");

constexpr uint32_t kCqSize = 1u << 3;
constexpr uint32_t kNoMmap = 1u << 14;
constexpr uint32_t kNoSqArray = 1u << 16;

constexpr uint64_t kRingOffset = 0;              // IORING_OFF_SQ_RING
constexpr uint64_t kEntriesOffset = 0x10000000;  // IORING_OFF_SQES
constexpr size_t kEntrySize = 64;                // struct io_uring_sqe
constexpr size_t kCompletionSize = 16;           // struct io_uring_cqe

struct Region {
  uintptr_t start;
  size_t size;
};

struct Ring {
  Region ring;     // heads, tails, completions
  Region entries;  // submissions

  bool is_whole() const { return ring.size != 0 && entries.size != 0; }
};

constexpr int kMaxRings = 4096;

// What /proc/self/maps shows of the rings of this process, two mappings for each.
struct RingMapping {
  ino_t inode;
  uint64_t offset;
  Region region;
};
RingMapping mappings[2 * kMaxRings];
int mapping_count;

// Those in memory of our own, made in this process or an ancestor, which it does not show.
struct OwnRing {
  ino_t inode;
  Ring ring;
  bool present;  // its memory was seen in the last listing
  bool in_use;   // renewed at this fork, so that a descriptor of it is open
};
OwnRing own_rings[kMaxRings];
int own_count;

// Where the counters are: the same for every ring of a kernel, so one look is enough.
Parameters layout;
bool layout_known;

int learn_layout() {
  if (layout_known) return 0;
  memset(&layout, 0, sizeof layout);
  const long fd = sys(SYS_io_uring_setup, 1, &layout);
  if (fd < 0) return static_cast<int>(fd);
  sys(SYS_close, fd);
  layout_known = true;
  return 0;
}

// --- which memory belongs to a descriptor

OwnRing* find_own(ino_t inode) {
  for (OwnRing* own = own_rings; own < own_rings + own_count; ++own) {
    if (own->inode == inode) return own;
  }
  return nullptr;
}

// The beginning of what the forking thread's loop keeps, where it has the address of its ring's
// counters (libuv, uv__loop_internal_fields_t and uv__iou: after some 200 bytes).
constexpr size_t kLoopWords = 64;
uintptr_t loop_words[kLoopWords];
bool has_loop_words;

bool is_of_forking_loop(const Ring& ring) {
  if (!has_loop_words) return false;
  for (const uintptr_t word : loop_words) {
    if (word == ring.ring.start + layout.sq.head) return true;
  }
  return false;
}

bool changes_with(volatile uint32_t* there, volatile uint32_t* here) {
  const uint32_t before = *here;
  *there = *there ^ 1;
  const bool changed = *here != before;
  *there = *there ^ 1;
  return changed;
}

// Before Linux 5.16 all rings share one inode. So the descriptor's memory is mapped once more, and
// where a change of it can be seen is where it is mapped already. The word changed is one that
// nobody reads while the ring is at rest: a counter that libuv does not know, or the user data of
// an entry.
bool is_memory_of(int fd, const RingMapping& mapping) {
  constexpr size_t kUserData = 32;
  const size_t word = mapping.offset == kRingOffset ? layout.sq.sq_dropped() : kUserData;
  const size_t size = mapping.region.size;
  void* view = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                    static_cast<off_t>(mapping.offset));
  if (view == MAP_FAILED) return false;
  const bool same = changes_with(reinterpret_cast<uint32_t*>(static_cast<char*>(view) + word),
                                 reinterpret_cast<uint32_t*>(mapping.region.start + word));
  munmap(view, size);
  return same;
}

Region find_mapping(int fd, ino_t inode, uint64_t offset) {
  const RingMapping* only = nullptr;
  int count = 0;
  for (const RingMapping* one = mappings; one < mappings + mapping_count; ++one) {
    if (one->inode != inode || one->offset != offset) continue;
    only = one;
    ++count;
  }
  if (count < 2) return count == 0 ? Region{} : only->region;
  for (const RingMapping* one = mappings; one < mappings + mapping_count; ++one) {
    if (one->inode != inode || one->offset != offset) continue;
    if (is_memory_of(fd, *one)) return one->region;
  }
  return {};
}

// Not whole if it is not mapped, or not in the way libuv does.
Ring find_ring(int fd, ino_t inode) {
  const OwnRing* own = find_own(inode);
  if (own != nullptr && own->present) return own->ring;
  return {find_mapping(fd, inode, kRingOffset), find_mapping(fd, inode, kEntriesOffset)};
}

uint32_t& counter(const Ring& ring, uint32_t offset) {
  return *reinterpret_cast<uint32_t*>(ring.ring.start + offset);
}

// Each submission of libuv's gives one completion, so all four numbers are equal when nothing is
// under way. An operation that a kernel worker still has shows as a completion too few.
//
// The forking thread's own ring is at rest wherever JavaScript may fork: since 1.49 libuv fills it
// at the beginning of uv__io_poll alone, submits it before it waits, and takes what a callback
// closes off the epoll at once (linux.c, "Perform EPOLL_CTL_DEL immediately"). Before, those
// waited in the ring until the batch of events was done; but those versions (in Node 20, and in the
// first releases of 22) make rings with UV_USE_IO_URING=1 alone, each beside one that has a kernel
// thread and is refused.
bool is_at_rest(const Ring& ring) {
  const uint32_t taken = counter(ring, layout.sq.head);
  return counter(ring, layout.sq.tail) == taken && counter(ring, layout.cq.head) == taken &&
         counter(ring, layout.cq.tail) == taken;
}

// --- making one in the child

void* map_anonymous(const Region& region) {
  return mmap(reinterpret_cast<void*>(region.start), region.size, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1, 0);
}

void* map_from(int fd, const Region& region, uint64_t offset, void* address, int flags) {
  return mmap(address, region.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE | flags, fd,
              static_cast<off_t>(offset));
}

// --- a mapping at an address that may not be asked for
//
// Kernels from about 6.4, and the later ones of 6.1, map a ring where they choose and nowhere else
// (io_uring_mmu_get_unmapped_area). They choose the highest gap that is large enough. So everything
// above the wished address is filled for a moment, until that is the highest.

constexpr int kMaxFillers = 8192;
Region fillers[kMaxFillers];
int filler_count;

void unmap(const Region& region) { munmap(reinterpret_cast<void*>(region.start), region.size); }

Region reserve_anywhere(size_t size) {
  void* address =
      mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return address == MAP_FAILED ? Region{0, size}
                               : Region{reinterpret_cast<uintptr_t>(address), size};
}

// From the largest size that any gap may have to that of the wished region.
void fill_gaps_above(const Region& region) {
  constexpr size_t kLargest = size_t{1} << 46;
  for (size_t size = kLargest; size >= region.size;) {
    const Region filler = reserve_anywhere(size);
    if (filler.start > region.start && filler_count < kMaxFillers) {
      fillers[filler_count++] = filler;
      continue;
    }
    if (filler.start != 0) unmap(filler);
    if (size == region.size) return;
    size = size / 2 > region.size ? size / 2 : region.size;
  }
}

void empty_gaps() {
  while (filler_count > 0) unmap(fillers[--filler_count]);
}

int map_where_the_kernel_chooses(int fd, const Region& region, uint64_t offset) {
  unmap(region);
  fill_gaps_above(region);
  void* address = map_from(fd, region, offset, nullptr, 0);
  empty_gaps();
  if (address == MAP_FAILED) return -errno;
  return reinterpret_cast<uintptr_t>(address) == region.start ? 0 : -ENOTSUP;
}

int map_ring(int fd, const Region& region, uint64_t offset) {
  void* address = map_from(fd, region, offset, reinterpret_cast<void*>(region.start), MAP_FIXED);
  return address == MAP_FAILED ? map_where_the_kernel_chooses(fd, region, offset) : 0;
}

// Linux 6.5 and later: the ring is built in memory that we give it. Its pages must lie together
// before about 6.10, which only the kernel can arrange.
int set_up_in_our_memory(const Ring& ring, Parameters& parameters) {
  if (map_anonymous(ring.ring) == MAP_FAILED || map_anonymous(ring.entries) == MAP_FAILED) {
    return -errno;
  }
  parameters.flags |= kNoMmap | kNoSqArray;
  parameters.cq.user_memory = ring.ring.start;
  parameters.sq.user_memory = ring.entries.start;
  return static_cast<int>(sys(SYS_io_uring_setup, parameters.sq_entries, &parameters));
}

// Before 6.5, and up to 6.9 where that fails: the kernel's memory, mapped where the old ring was.
int set_up_and_map(const Ring& ring, Parameters& parameters) {
  const auto fd = static_cast<int>(sys(SYS_io_uring_setup, parameters.sq_entries, &parameters));
  if (fd < 0) return fd;
  int result = map_ring(fd, ring.ring, kRingOffset);
  if (result == 0) result = map_ring(fd, ring.entries, kEntriesOffset);
  if (result < 0) {
    sys(SYS_close, fd);
    return -ENOTSUP;
  }
  uint32_t* slot_to_entry = &counter(ring, parameters.sq.sq_array());
  for (uint32_t i = 0; i < parameters.sq_entries; ++i) slot_to_entry[i] = i;
  return fd;
}

int set_up(const Ring& ring, uint32_t sq_entries, uint32_t cq_entries, bool* in_our_memory) {
  Parameters parameters = {};
  parameters.sq_entries = sq_entries;
  parameters.cq_entries = cq_entries;
  parameters.flags = kCqSize;
  Parameters again = parameters;
  const int fd = set_up_in_our_memory(ring, parameters);
  *in_our_memory = fd != -EINVAL;
  return fd == -EINVAL ? set_up_and_map(ring, again) : fd;
}

// Submits `count` operations that do nothing, so that the ring's counters, which start at 0, reach
// those of the old ring. A thread may have been stopped with one of them in a register, about to
// store it plus one (uv__epoll_ctl_prep): seen as `Assertion *ctl->sqhead != *ctl->sqtail`.
int advance(int fd, const Ring& ring, uint32_t count, uint32_t sq_entries) {
  auto* entries = reinterpret_cast<char*>(ring.entries.start);
  memset(entries, 0, sq_entries * kEntrySize);  // opcode 0 is IORING_OP_NOP
  while (count > 0) {
    const uint32_t batch = count < sq_entries ? count : sq_entries;
    __atomic_fetch_add(&counter(ring, layout.sq.tail), batch, __ATOMIC_RELEASE);
    const long taken = sys_retry_on_eintr(SYS_io_uring_enter, fd, batch, 0, 0, nullptr, 0);
    if (taken < 0) return static_cast<int>(taken);
    if (taken != batch) return -EIO;
    counter(ring, layout.cq.head) = counter(ring, layout.cq.tail);
    count -= batch;
  }
  return 0;
}

// What is in the old ring besides the counters. A thread may have been stopped when it had filled
// an entry and was about to publish it, or had taken a completion and was about to read it. Seen as
// an entry of zeros that was submitted: a socket that was not watched, and libuv aborting when it
// was to be watched for something else.
class Contents {
 public:
  Contents(const Ring& ring, uint32_t sq_entries, uint32_t cq_entries)
      : entries_{ring.entries.start, sq_entries * kEntrySize},
        completions_{ring.ring.start + layout.cq.cq_completions(), cq_entries * kCompletionSize},
        copy_(reserve_copy()) {
    if (!is_kept()) return;
    memcpy(copy_, address_of(entries_), entries_.size);
    memcpy(copy_ + entries_.size, address_of(completions_), completions_.size);
  }

  Contents(const Contents&) = delete;
  Contents& operator=(const Contents&) = delete;

  ~Contents() {
    if (is_kept()) munmap(copy_, size());
  }

  bool is_kept() const { return copy_ != MAP_FAILED; }

  void put_back() const {
    memcpy(address_of(entries_), copy_, entries_.size);
    memcpy(address_of(completions_), copy_ + entries_.size, completions_.size);
  }

 private:
  static void* address_of(const Region& region) { return reinterpret_cast<void*>(region.start); }

  size_t size() const { return entries_.size + completions_.size; }

  char* reserve_copy() const {
    return static_cast<char*>(mmap(nullptr, size(), PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
  }

  Region entries_;
  Region completions_;
  char* copy_;
};

bool has_kernel_thread(int fd) {
  Lines info(fdinfo_path(fd));
  while (const char* line = info.next()) {
    if (const char* thread = after(line, "SqThread:")) return *thread != '-';
  }
  return false;
}

// One that counts and holds what the old one does.
int set_up_alike(const Ring& ring, uint32_t sq_entries, uint32_t cq_entries, bool* in_our_memory) {
  const uint32_t count = counter(ring, layout.sq.head);
  const Contents contents(ring, sq_entries, cq_entries);
  if (!contents.is_kept()) return -ENOMEM;
  const int fresh = set_up(ring, sq_entries, cq_entries, in_our_memory);
  if (fresh < 0) return fresh;
  const int result = advance(fresh, ring, count, sq_entries);
  contents.put_back();
  if (result == 0) return fresh;
  sys(SYS_close, fresh);
  return result;
}

int remember(const Ring& ring, ino_t old_inode, int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  OwnRing* own = find_own(old_inode);
  if (own == nullptr) {
    if (own_count == kMaxRings) return -E2BIG;
    own = &own_rings[own_count++];
  }
  *own = {status.st_ino, ring, true, true};
  return 0;
}

}  // namespace

void forget_ring_mappings() {
  mapping_count = 0;
  for (OwnRing* own = own_rings; own < own_rings + own_count; ++own) own->present = false;
}

void note_forking_loop(const void* fields) {
  const FaultsSurvived survived;
  has_loop_words =
      fields != nullptr && read_words(reinterpret_cast<uintptr_t>(fields), loop_words, kLoopWords);
}

void notice_ring_mapping(const Mapping& mapping) {
  if (mapping.anonymous) {
    for (OwnRing* own = own_rings; own < own_rings + own_count; ++own) {
      const uintptr_t start = own->ring.ring.start;
      if (mapping.start <= start && start < mapping.end) own->present = true;
    }
  } else if (mapping.ring && mapping_count < 2 * kMaxRings) {
    mappings[mapping_count++] = {mapping.inode, mapping.offset, {mapping.start, mapping.size()}};
  }
}

int ring_is_at_rest(int fd, ino_t inode) {
  const int known = learn_layout();
  if (known < 0) return known;
  const Ring ring = find_ring(fd, inode);
  return ring.is_whole() && is_at_rest(ring) ? 1 : 0;
}

int renew_ring(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) return -errno;
  const Ring ring = find_ring(fd, status.st_ino);
  if (!ring.is_whole() || has_kernel_thread(fd)) return -ENOTSUP;

  const uint32_t sq_entries = counter(ring, layout.sq.entries);
  const uint32_t cq_entries = counter(ring, layout.cq.entries);
  const auto make = is_of_forking_loop(ring) ? set_up : set_up_alike;
  bool in_our_memory = false;
  const int fresh = make(ring, sq_entries, cq_entries, &in_our_memory);
  if (fresh < 0) return fresh;
  const auto result = static_cast<int>(sys(SYS_dup3, fresh, fd, O_CLOEXEC));
  sys(SYS_close, fresh);
  if (result < 0) return result;
  return in_our_memory ? remember(ring, status.st_ino, fd) : 0;
}

void forget_closed_rings() {
  int kept = 0;
  for (int i = 0; i < own_count; ++i) {
    if (!own_rings[i].in_use) continue;
    own_rings[kept] = own_rings[i];
    own_rings[kept++].in_use = false;
  }
  own_count = kept;
}

}  // namespace prefork
