// The end of a child as an event of the loop.
#pragma once

#include <sys/types.h>
#include <uv.h>

namespace prefork {

struct PidWatch {
  uv_poll_t poll;
  int fd;
  void (*ended)(PidWatch* watch);
  void (*closed)(PidWatch* watch);
  void* context;
};

// Calls `ended` in the loop once the child has ended, and keeps the loop alive until
// stop_pid_watch(). 0 or -errno (-ENOSYS before Linux 5.3). The caller fills in the functions and
// the context.
int start_pid_watch(uv_loop_t* loop, pid_t pid, PidWatch* watch);

// No more calls to `ended`; `closed` follows in a later turn of the loop.
void stop_pid_watch(PidWatch* watch);

}  // namespace prefork
