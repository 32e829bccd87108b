// V8 asks for each 256 KB of its heap at a random address, so that nearly each has page tables of
// its own, which every fork copies, and none can lie on a huge page. Here it is answered with
// consecutive addresses, from a base that is random.
//
// What V8 asks for it asks of mmap(2) and munmap(2), by entries in the table of the executable (or
// library) that it is part of: those are changed. Only what looks like heap is answered otherwise
// than before: a request for private anonymous memory that is not executable, of 256 KB to 64 MB,
// with a hint that is a multiple of 256 KB.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace prefork {

// From now on, for all threads and isolates, in this process and those that are forked from it.
// nullptr, or why it cannot be, in a few words; asked again, the same answer.
const char* gather_heap();

// As long as it lives no thread is in the middle of gather_heap(). The thread that forks holds it:
// one that is left behind (fork/left_behind.h) would otherwise keep the child from asking.
class HeldGathering {
 public:
  HeldGathering();
  ~HeldGathering();
  HeldGathering(const HeldGathering&) = delete;
  HeldGathering& operator=(const HeldGathering&) = delete;
};

constexpr uintptr_t kGatheredPiece = 256 * 1024;
constexpr uintptr_t kHugePage = 2 * 1024 * 1024;  // where a page is 4 KB

struct AddressRange {
  uintptr_t start;
  uintptr_t end;
};

// Where V8's requests are answered, by whole pieces; empty if they are not.
AddressRange gathered_range();

// Whether V8 has all of this part of the range.
bool is_gathered(uintptr_t start, size_t size);
// The next piece that V8 has, or the end of the range.
uintptr_t next_gathered(uintptr_t from);

}  // namespace prefork
