#include "posix/free_pieces.h"

#include <features.h>

#if defined(__GLIBC__)

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

namespace prefork {

namespace {

// Sizes are a multiple of kStep less a word. A larger piece is taken in parts; above
// M_MMAP_THRESHOLD, twice as much, malloc would map new memory for it.
constexpr size_t kStep = 2 * sizeof(size_t);
constexpr size_t kLargest = 64 * 1024 - sizeof(size_t);
constexpr size_t kSmallest = 2 * kStep - sizeof(size_t);

// What was freed last waits for somebody who wants just that size, up to 1,032 bytes.
constexpr size_t kLargestKept = 1024 + sizeof(size_t);

// True as long as there was one before the end. The one behind it is kept, too: freed, it would be
// the next that somebody uses.
bool take(size_t size, const void* end) {
  // Or the compiler may leave out what nobody uses.
  const void* volatile piece = malloc(size);
  return piece != nullptr && piece < end;
}

size_t next_size(size_t size) {
  if (size <= kLargestKept) return size - kStep;
  const size_t half = size / 2 - sizeof(size_t) / 2;
  return half > kLargestKept ? half : kLargestKept;
}

}  // namespace

void take_free_pieces() {
  malloc_trim(0);
  static bool is_done = false;
  if (is_done) return;
  is_done = true;
  const void* end = sbrk(0);
  for (size_t size = kLargest; size >= kSmallest; size = next_size(size)) {
    while (take(size, end)) {
    }
  }
}

}  // namespace prefork

#else

namespace prefork {
void take_free_pieces() {}
}  // namespace prefork

#endif
