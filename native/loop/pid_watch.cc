#include "loop/pid_watch.h"

#include <errno.h>
#include <unistd.h>

#include "posix/wait.h"

namespace prefork {

namespace {

PidWatch* watch_of(void* handle) {
  return static_cast<PidWatch*>(static_cast<uv_handle_t*>(handle)->data);
}

// An error of the poll counts as an end, too: the callback asks the kernel.
void on_poll(uv_poll_t* poll, int, int) { watch_of(poll)->ended(watch_of(poll)); }

// Without reaping it, and without its status.
void on_timer(uv_timer_t* timer) {
  PidWatch* watch = watch_of(timer);
  if (!is_running(watch->pid)) watch->ended(watch);
}

void on_close(uv_handle_t* handle) {
  PidWatch* watch = watch_of(handle);
  if (watch->fd >= 0) close(watch->fd);
  watch->closed(watch);
}

int start_polling(uv_loop_t* loop, PidWatch* watch) {
  const int error = uv_poll_init(loop, &watch->poll, watch->fd);
  if (error != 0) {
    close(watch->fd);
    return error;
  }
  watch->handle.data = watch;
  // Fails only for events that it does not know.
  uv_poll_start(&watch->poll, UV_READABLE, on_poll);
  return 0;
}

int start_looking(uv_loop_t* loop, PidWatch* watch) {
  constexpr uint64_t kMilliseconds = 20;
  watch->fd = -1;
  uv_timer_init(loop, &watch->timer);
  watch->handle.data = watch;
  return uv_timer_start(&watch->timer, on_timer, kMilliseconds, kMilliseconds);
}

}  // namespace

int start_pid_watch(uv_loop_t* loop, pid_t pid, PidWatch* watch) {
  watch->pid = pid;
  watch->fd = open_pidfd(pid);
  if (watch->fd == -ENOSYS || watch->fd == -EPERM) return start_looking(loop, watch);
  return watch->fd < 0 ? watch->fd : start_polling(loop, watch);
}

void stop_pid_watch(PidWatch* watch) { uv_close(&watch->handle, on_close); }

}  // namespace prefork
