// Signals while JavaScript is blocked in wait(): what libuv would do with them if its loop turned.
//
// libuv's signal handler writes a message into a pipe of each loop that listens (libuv
// src/unix/signal.c, uv__signal_handler) and the loop reads it. Nobody reads it while a wait
// blocks; so the wait does, hands out those that JavaScript listens for, and gives back the rest
// when it ends. The wake-up for an ended child comes the same way, from a handle of our own: libuv
// then keeps its handler installed for as long as the wait lasts, whatever other threads start or
// stop meanwhile, and a signal that comes between the look and the sleep stays in the pipe and is
// not lost.
#pragma once

#include <signal.h>
#include <stddef.h>
#include <uv.h>

namespace prefork {

class WaitSignals {
 public:
  // 0 or -errno. `node_symbol` is any function of Node's, by whose address its own signal
  // callbacks are told from those of add-ons.
  int open(uv_loop_t* loop, const void* node_symbol);

  // `closed` is called in a later turn of the loop; until then this object has to stay.
  void close(uv_close_cb closed);

  // Around a blocking wait. A listener may begin another one inside. begin() answers 0 or -errno.
  int begin();
  void end();

  // Takes the next signal that JavaScript listens for out of the pipe; 0 if there is none.
  int next();

  // Sleeps until a signal arrives, a child changes, `fd` (-1: none) is ready for `events` of
  // poll(2), or the time is over (-1: no limit). May wake up early.
  void sleep(int timeout_ms, int fd, short events);

  uv_loop_t* loop() const { return child_changed_.loop; }
  static WaitSignals* of(uv_handle_t* handle) { return static_cast<WaitSignals*>(handle->data); }

 private:
  // libuv src/unix/signal.c, uv__signal_msg_t; unchanged since 0.8.
  struct Message {
    uv_signal_t* handle;
    int signum;
  };

  bool read_message(Message* message);
  bool write_message(const Message& message);
  bool is_for_javascript(const Message& message) const;
  bool set_aside(const Message& message);
  void put_back();

  uv_signal_t child_changed_;
  const void* node_object_;
  unsigned depth_;
  Message* aside_;
  size_t aside_count_;
  size_t aside_capacity_;
};

}  // namespace prefork
