#pragma once

namespace prefork {

// In the child: puts an inotify instance of its own in the place of `fd`, with `flags` (O_NONBLOCK,
// O_CLOEXEC), watching what the old one watched under the same watch descriptors. -errno.
int renew_inotify(int fd, int flags);

}  // namespace prefork
