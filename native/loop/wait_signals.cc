#include "loop/wait_signals.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "posix/loaded_object.h"
#include "posix/retry_on_eintr.h"

namespace prefork {

namespace {

// libuv src/uv-common.h. A one-shot handle is for libuv to stop, once it has been called.
constexpr unsigned kSignalOneShot = 0x02000000;

// ---- What becomes of SIGCHLD's action during waits -------------------------------------------
//
// Starting a handle makes libuv install its handler, and stopping the last one sets SIG_DFL. A
// program that ignores SIGCHLD (or set SA_NOCLDWAIT) gets its way all the same: the kernel goes on
// reaping by itself, so that a wait ends with ECHILD when the last child is gone, and the action
// is put back afterwards. Shared by the waits of all threads: a child
// inherits the waits, which end there, too, with what they have counted.
pthread_mutex_t action_lock = PTHREAD_MUTEX_INITIALIZER;
unsigned action_users = 0;
struct sigaction action_before;
bool action_was_foreign = false;  // neither libuv's nor the default
bool action_reaps = false;        // we added SA_NOCLDWAIT to libuv's

bool ignores_children(const struct sigaction& action) {
  return action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT) != 0;
}

void set_reaping(bool reaps) {
  struct sigaction action;
  sigaction(SIGCHLD, nullptr, &action);
  action.sa_flags = reaps ? action.sa_flags | SA_NOCLDWAIT : action.sa_flags & ~SA_NOCLDWAIT;
  sigaction(SIGCHLD, &action, nullptr);
  action_reaps = reaps;
}

void take_action() {
  struct sigaction now;
  sigaction(SIGCHLD, nullptr, &now);
  action_was_foreign =
      action_before.sa_handler != SIG_DFL && action_before.sa_handler != now.sa_handler;
  if (action_was_foreign && ignores_children(action_before)) set_reaping(true);
}

void give_back_action() {
  if (action_reaps) set_reaping(false);
  if (!action_was_foreign) return;
  struct sigaction now;
  sigaction(SIGCHLD, nullptr, &now);
  // Anything else: somebody in this process has begun to listen, and libuv's handler stays.
  if (now.sa_handler == SIG_DFL) sigaction(SIGCHLD, &action_before, nullptr);
}

// Only the message in the pipe is needed. libuv calls this for one that was left in it.
void ignore_message(uv_signal_t*, int) {}

int start_listening(uv_signal_t* handle) {
  pthread_mutex_lock(&action_lock);
  if (action_users == 0) sigaction(SIGCHLD, nullptr, &action_before);
  const int error = uv_signal_start(handle, ignore_message, SIGCHLD);
  if (error == 0 && action_users++ == 0) take_action();
  pthread_mutex_unlock(&action_lock);
  return error;
}

void stop_listening(uv_signal_t* handle) {
  pthread_mutex_lock(&action_lock);
  uv_signal_stop(handle);
  if (--action_users == 0) give_back_action();
  pthread_mutex_unlock(&action_lock);
}

// A listener called child_process.spawn: would the kernel go on reaping, the exit would be lost (as
// it is if the child ends before the listener returns).
void stop_reaping_for_child_process(const uv_loop_t* loop) {
  pthread_mutex_lock(&action_lock);
  if (action_reaps && loop->child_watcher.signum == SIGCHLD) set_reaping(false);
  pthread_mutex_unlock(&action_lock);
}

}  // namespace

int WaitSignals::open(uv_loop_t* loop, const void* node_symbol) {
  memset(this, 0, sizeof(*this));
  node_object_ = object_of(node_symbol);
  const int error = uv_signal_init(loop, &child_changed_);
  if (error != 0) return error;
  child_changed_.data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(&child_changed_));
  return 0;
}

void WaitSignals::close(uv_close_cb closed) {
  if (depth_ > 0) stop_listening(&child_changed_);  // the thread was ended in the middle of a wait
  depth_ = 0;
  put_back();
  free(aside_);
  aside_ = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&child_changed_), closed);
}

int WaitSignals::begin() {
  if (depth_ == 0) {
    const int error = start_listening(&child_changed_);
    if (error != 0) return error;
  }
  depth_++;
  return 0;
}

void WaitSignals::end() {
  if (--depth_ > 0) return;
  stop_listening(&child_changed_);
  put_back();
}

int WaitSignals::next() {
  stop_reaping_for_child_process(loop());
  Message message;
  while (read_message(&message)) {
    if (is_for_javascript(message)) {
      message.handle->dispatched_signals++;
      return message.signum;
    }
    // Our own handle, or one that was stopped since: libuv, too, would only count it.
    const bool nobody = message.handle == &child_changed_ || message.handle->signum == 0;
    if (nobody) {
      message.handle->dispatched_signals++;
    } else if (!set_aside(message)) {
      write_message(message);
      return 0;
    }
  }
  return 0;
}

void WaitSignals::sleep(int timeout_ms, int fd, short events) {
  struct pollfd wakers[] = {{loop()->signal_pipefd[0], POLLIN, 0}, {fd, events, 0}};
  // Not called again on EINTR: whatever wakes it, the caller looks at everything.
  poll(wakers, fd == -1 ? 1 : 2, timeout_ms);
}

bool WaitSignals::read_message(Message* message) {
  const ssize_t got =
      retry_on_eintr([=] { return read(loop()->signal_pipefd[0], message, sizeof(*message)); });
  // Always whole messages: each is one write of less than PIPE_BUF (man 7 pipe).
  return got == static_cast<ssize_t>(sizeof(*message));
}

bool WaitSignals::write_message(const Message& message) {
  const ssize_t put =
      retry_on_eintr([&] { return write(loop()->signal_pipefd[1], &message, sizeof(message)); });
  return put == static_cast<ssize_t>(sizeof(message));
}

// Node has one handle for each signal that process.on() was called for (src/signal_wrap.cc).
// libuv's own is the child_watcher, and those of add-ons call back into the add-on.
bool WaitSignals::is_for_javascript(const Message& message) const {
  const uv_signal_t* handle = message.handle;
  return handle != &child_changed_ && handle != &handle->loop->child_watcher &&
         handle->signum == message.signum && (handle->flags & kSignalOneShot) == 0 &&
         object_of(reinterpret_cast<const void*>(handle->signal_cb)) == node_object_;
}

// Keeps a message for libuv. One of each is enough, as for the kernel; the others only need to be
// counted, since libuv frees no handle before its last message was (core.c, uv__finish_close).
bool WaitSignals::set_aside(const Message& message) {
  for (size_t i = 0; i < aside_count_; i++) {
    if (aside_[i].handle != message.handle || aside_[i].signum != message.signum) continue;
    message.handle->dispatched_signals++;
    return true;
  }
  if (aside_count_ == aside_capacity_) {
    const size_t capacity = aside_capacity_ == 0 ? 16 : aside_capacity_ * 2;
    void* bigger = realloc(aside_, capacity * sizeof(Message));
    if (bigger == nullptr) return false;
    aside_ = static_cast<Message*>(bigger);
    aside_capacity_ = capacity;
  }
  aside_[aside_count_++] = message;
  return true;
}

void WaitSignals::put_back() {
  while (aside_count_ > 0) {
    if (write_message(aside_[aside_count_ - 1])) {
      aside_count_--;
      continue;
    }
    if (errno != EAGAIN) return;
    // Full of thousands of the same: taking them out leaves one of each.
    Message message;
    for (int i = 0; i < 64 && read_message(&message); i++) {
      if (!set_aside(message)) return;
    }
  }
}

}  // namespace prefork
