#include "posix/shared_block.h"

#include <sys/mman.h>

namespace prefork {

void* map_shared_block(size_t bytes) {
  void* made = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return made == MAP_FAILED ? nullptr : made;
}

void unmap_shared_block(void* block, size_t bytes) { munmap(block, bytes); }

}  // namespace prefork
