// Huge pages for a heap that is gathered (heap_layout.h). What lies on one is copied by a fork as
// one entry instead of 512; a process that writes there copies 4 KB, as before.
#pragma once

#include <stddef.h>

namespace prefork {

// Has the kernel (6.1) move the heap onto huge pages, as far as it has any free, in about so many
// milliseconds; and keep its own hands off it afterwards, for what it moved in a forked child would
// be shared no more. Answers how many bytes it was asked to move and did not refuse.
size_t move_heap_to_huge_pages(int milliseconds);

}  // namespace prefork
