// The end of a child as an event of the loop.
#pragma once

#include <sys/types.h>
#include <uv.h>

namespace prefork {

struct PidWatch {
  union {
    uv_handle_t handle;
    uv_poll_t poll;    // of a pidfd
    uv_timer_t timer;  // where there are none
  };
  int fd;  // -1: none
  pid_t pid;
  void (*ended)(PidWatch* watch);
  void (*closed)(PidWatch* watch);
  void* context;
};

// Calls `ended` in the loop once the child has ended, and keeps the loop alive until
// stop_pid_watch(). 0 or -errno. The caller fills in the functions and the context. Before Linux
// 5.3, and under a filter that knows no pidfd_open, it looks at the child every 20 milliseconds.
int start_pid_watch(uv_loop_t* loop, pid_t pid, PidWatch* watch);

// No more calls to `ended`; `closed` follows in a later turn of the loop.
void stop_pid_watch(PidWatch* watch);

}  // namespace prefork
