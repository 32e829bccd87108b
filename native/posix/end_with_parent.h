// A process that leads a group of its own ends with its parent, and takes its group along: what it
// has started would outlive both. Of the parent's end the kernel tells by a signal
// (PR_SET_PDEATHSIG) to one process, not to a group; so that signal has a handler.
//
// Invariant: the handler calls nothing but getpid(2) and kill(2), whatever the thread holds that it
// interrupts.
#pragma once

namespace prefork {

// 0, or -errno. The parent may have ended before that: the caller has to look.
int end_group_with_parent();

}  // namespace prefork
