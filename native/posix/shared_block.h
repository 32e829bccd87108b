// Memory that a process shares with those that it forks afterwards, and with theirs.
#pragma once

#include <stddef.h>

namespace prefork {

// Zero at first; nullptr if there is none. It is there as long as one of the processes has it
// mapped.
void* map_shared_block(size_t bytes);

// Of this process alone.
void unmap_shared_block(void* block, size_t bytes);

}  // namespace prefork
