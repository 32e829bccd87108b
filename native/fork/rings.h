// io_uring instances. libuv 1.51 and later gives each event loop one, to batch its epoll_ctl calls
// (src/unix/linux.c, uv__iou_init). Their memory is shared even between parent and child, so that
// the two would write into one queue: the child needs its own, at the same descriptor number and
// the same addresses, counting on from the same numbers. Only the ring of the forking thread's own
// loop begins at 0: it has counted all that the loop has ever watched, and that thread is in the
// middle of nothing there.
#pragma once

#include "fork/maps.h"

namespace prefork {

// Parent, all threads stopped: before the mappings are listed, and for each of them.
void forget_ring_mappings();
void notice_ring_mapping(const Mapping& mapping);

// Parent, all threads stopped: the loop's uv_loop_t::internal_fields, or nullptr.
void note_forking_loop(const void* fields);

// Parent, all threads stopped: whether the ring has nothing submitted that is not taken, under way,
// or finished and not seen. 1 if so; 0 if not, or if its loop is just being made or taken down;
// -errno if the kernel cannot be asked.
int ring_is_at_rest(int fd, ino_t inode);

// Child: puts a ring of the child's own in the place of `fd`. -ENOTSUP for a ring with a kernel
// thread of its own (SQPOLL), for one that is not mapped the way libuv does, and where the kernel
// cannot be brought to have the memory at the old address (see docs/fork-safety.md).
int renew_ring(int fd);

// Child, all of them renewed: forgets those of loops that were closed since an earlier fork, so
// that the table does not grow along a line of descendants.
void forget_closed_rings();

}  // namespace prefork
