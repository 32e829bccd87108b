#include "loop/pid_watch.h"

#include <unistd.h>

#include "posix/wait.h"

namespace prefork {

namespace {

PidWatch* watch_of(void* poll) {
  return static_cast<PidWatch*>(static_cast<uv_poll_t*>(poll)->data);
}

// An error of the poll counts as an end, too: whoever is called asks the kernel.
void on_poll(uv_poll_t* poll, int, int) { watch_of(poll)->ended(watch_of(poll)); }

void on_close(uv_handle_t* handle) {
  PidWatch* watch = watch_of(handle);
  close(watch->fd);
  watch->closed(watch);
}

}  // namespace

int start_pid_watch(uv_loop_t* loop, pid_t pid, PidWatch* watch) {
  watch->fd = open_pidfd(pid);
  if (watch->fd < 0) return watch->fd;
  const int error = uv_poll_init(loop, &watch->poll, watch->fd);
  if (error != 0) {
    close(watch->fd);
    return error;
  }
  watch->poll.data = watch;
  // Fails only for events that it does not know.
  uv_poll_start(&watch->poll, UV_READABLE, on_poll);
  return 0;
}

void stop_pid_watch(PidWatch* watch) {
  uv_poll_stop(&watch->poll);
  uv_close(reinterpret_cast<uv_handle_t*>(&watch->poll), on_close);
}

}  // namespace prefork
