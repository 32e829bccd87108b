// fs.watch() in a child whose new inotify instance could not be given its watches
// (fork/inotify.h): the loop knows the paths, and watches again.
#pragma once

#include <uv.h>

namespace prefork {

// Stops and starts every fs_event handle of the loop, in the loop's own thread. 0, or the first
// error of a handle that could not be started again (-ENOENT: its file is gone); -ENOMEM.
int restart_fs_watchers(uv_loop_t* loop);

}  // namespace prefork
