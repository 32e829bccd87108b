#include "loop/held_signals.h"

#include <errno.h>
#include <signal.h>

#include <atomic>

namespace prefork {

namespace {

struct Held {
  uv_signal_t keeper;
  struct sigaction before;  // libuv's
  int signal;               // 0: released
};

constexpr size_t kMost = 4;
Held held[kMost];
size_t held_count = 0;

uv_async_t wake;
std::atomic<uint32_t> arrived_signals{0};
void (*tell)() = nullptr;
void (*tell_closed)() = nullptr;

void note(int signal) {
  const int saved = errno;
  arrived_signals.fetch_or(uint32_t{1} << signal);
  uv_async_send(&wake);  // async-signal-safe, as libuv documents
  errno = saved;
}

void on_wake(uv_async_t*) { tell(); }

// One that came before the action was ours: libuv has noted it, and Node will hear of it, too.
void ignore(uv_signal_t*, int) {}

int hold(uv_loop_t* loop, Held* one, int signal) {
  const int error = uv_signal_init(loop, &one->keeper);
  if (error != 0) return error;
  uv_unref(reinterpret_cast<uv_handle_t*>(&one->keeper));
  one->signal = signal;
  held_count++;
  const int started = uv_signal_start(&one->keeper, ignore, signal);
  if (started != 0) return started;

  struct sigaction action = {};
  action.sa_handler = note;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  return sigaction(signal, &action, &one->before) == -1 ? -errno : 0;
}

void release(Held* one) {
  if (one->signal == 0) return;
  sigaction(one->signal, &one->before, nullptr);
  one->signal = 0;
  uv_close(reinterpret_cast<uv_handle_t*>(&one->keeper), nullptr);
}

}  // namespace

int hold_signals(uv_loop_t* loop, const int* signals, size_t count, void (*arrived)()) {
  if (tell != nullptr) return -EEXIST;
  if (count > kMost) return -E2BIG;
  tell = arrived;
  int error = uv_async_init(loop, &wake, on_wake);
  if (error != 0) return error;
  uv_unref(reinterpret_cast<uv_handle_t*>(&wake));
  for (size_t i = 0; i < count && error == 0; i++) error = hold(loop, &held[i], signals[i]);
  return error;
}

uint32_t take_held_signals() { return arrived_signals.exchange(0); }

void release_signal(int signal) {
  for (size_t i = 0; i < held_count; i++) {
    if (held[i].signal == signal) release(&held[i]);
  }
}

void stop_holding_signals(void (*closed)()) {
  for (size_t i = 0; i < held_count; i++) release(&held[i]);
  tell_closed = closed;
  uv_close(reinterpret_cast<uv_handle_t*>(&wake), [](uv_handle_t*) { tell_closed(); });
}

}  // namespace prefork
