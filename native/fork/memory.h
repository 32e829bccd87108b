// Memory marked MADV_DONTFORK, which a fork would leave out: V8 marks its whole heap so that
// spawning is fast (nodejs/node #48523).
//
// Both calls belong between stop_threads() and release_threads(): other threads map and unmap.
#pragma once

namespace prefork {

// Finds every marked mapping and takes the mark away. 0 or -errno.
int unmark_memory();

// Puts the mark back where unmark_memory() found it. Called in the parent and in the child.
void mark_memory();

}  // namespace prefork
