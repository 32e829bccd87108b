#include "posix/shared_pipes.h"

#include <errno.h>
#include <stdlib.h>

namespace prefork {

namespace {

// A chain of blocks that only ever grows, of slots that are empty (0) or hold an inode. Every
// change is one atomic store, so that a thread may be stopped in the middle of anything here.
struct Block {
  ino_t slots[510];
  Block* next;
};

// A child has the same pipes, and so the same list.
Block first_block;

// Where the last free slot was found: the blocks before it are likely to be full.
Block* newest = &first_block;

Block* next_of(Block* block) { return __atomic_load_n(&block->next, __ATOMIC_ACQUIRE); }

bool take_slot(Block* block, ino_t inode) {
  for (ino_t& slot : block->slots) {
    ino_t empty = 0;
    if (__atomic_compare_exchange_n(&slot, &empty, inode, false, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED)) {
      return true;
    }
  }
  return false;
}

// The block after `block`; a new one at the end, unless another thread was faster.
Block* next_or_new(Block* block) {
  Block* next = next_of(block);
  if (next != nullptr) return next;
  Block* fresh = static_cast<Block*>(calloc(1, sizeof(Block)));
  if (fresh == nullptr) return nullptr;
  if (__atomic_compare_exchange_n(&block->next, &next, fresh, false, __ATOMIC_ACQ_REL,
                                  __ATOMIC_ACQUIRE)) {
    return fresh;
  }
  free(fresh);
  return next;
}

}  // namespace

int share_pipe(ino_t inode) {
  Block* block = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);
  for (; block != nullptr; block = next_or_new(block)) {
    if (!take_slot(block, inode)) continue;
    __atomic_store_n(&newest, block, __ATOMIC_RELEASE);
    return 0;
  }
  return -ENOMEM;
}

bool is_shared_pipe(ino_t inode) {
  for (Block* block = &first_block; block != nullptr; block = next_of(block)) {
    for (const ino_t& slot : block->slots) {
      if (__atomic_load_n(&slot, __ATOMIC_ACQUIRE) == inode) return true;
    }
  }
  return false;
}

void keep_shared_pipes(bool (*is_open)(ino_t inode, void* context), void* context) {
  for (Block* block = &first_block; block != nullptr; block = next_of(block)) {
    for (ino_t& slot : block->slots) {
      const ino_t inode = __atomic_load_n(&slot, __ATOMIC_ACQUIRE);
      if (inode != 0 && !is_open(inode, context)) __atomic_store_n(&slot, 0, __ATOMIC_RELEASE);
    }
  }
  __atomic_store_n(&newest, &first_block, __ATOMIC_RELEASE);
}

}  // namespace prefork
