// inotify instances: left shared, each event would go to only one of parent and child.
#pragma once

#include <sys/types.h>

namespace prefork {

// In the child, all threads stopped: puts an instance of the child's own in the place of `fd`,
// watching what the old one watched under the same watch descriptors. Events that nobody has read
// yet stay the parent's. 0 or -errno.
//
// The kernel names a watched file by inode only, and opening a file by inode takes
// CAP_DAC_READ_SEARCH. Without it the new instance watches nothing, and inotify_watches_lost() is
// true: event loops that know the paths have to watch again.
//
// With `watches` false it watches nothing, and nothing is lost.
int renew_inotify(int fd, int flags, int close_on_exec, bool watches);

// Whether the last fork left an instance without its watches.
bool inotify_watches_lost();
void forget_lost_watches();

}  // namespace prefork
