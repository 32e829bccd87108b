#include "loop/quiet_loop.h"

#include <unistd.h>

#include "posix/dead_socket.h"
#include "posix/loaded_object.h"

namespace prefork {

namespace {

constexpr int kMostCallbacks = 4;
uv_async_cb message_callbacks[kMostCallbacks];
int callback_count;

// Newer libuv have a struct of the same two pointers for it: next, previous.
using Link = void*;

template <typename Queue>
Link* head_of(Queue* queue) {
  return reinterpret_cast<Link*>(queue);
}

Link* next_of(Link* link) { return static_cast<Link*>(link[0]); }
Link* previous_of(Link* link) { return static_cast<Link*>(link[1]); }

void make_empty(Link* link) { link[0] = link[1] = link; }

// A link of none is one to itself.
void unlink(Link* link) {
  previous_of(link)[0] = next_of(link);
  next_of(link)[1] = previous_of(link);
  make_empty(link);
}

void append(Link* head, Link* link) {
  link[0] = head;
  link[1] = head[1];
  previous_of(head)[0] = link;
  head[1] = link;
}

// --- handles

struct Silencing {
  const void* node;
  const uv_timer_t* node_timer;  // Node opens one for all its timers before it opens anything else
};

template <typename Callback>
bool is_nodes(Callback callback, const Silencing& silencing) {
  return object_of(reinterpret_cast<const void*>(callback)) == silencing.node;
}

bool carries_messages(const uv_async_t* async) {
  for (int i = 0; i < callback_count; ++i) {
    if (message_callbacks[i] == async->async_cb) return true;
  }
  return false;
}

void hear_no_messages(uv_async_t* async) {
  if (!carries_messages(async)) return;
  async->pending = 0;
  async->async_cb = [](uv_async_t*) {};
}

void kill_descriptor(const uv_handle_t* handle) {
  uv_os_fd_t fd = -1;
  if (uv_fileno(handle, &fd) == 0 && fd > STDERR_FILENO) put_dead_socket_in_place_of(fd);
}

bool is_stream(const uv_handle_t* handle) {
  return handle->type == UV_TCP || handle->type == UV_NAMED_PIPE || handle->type == UV_TTY;
}

void drop_stream_requests(uv_stream_t* stream) {
  make_empty(head_of(&stream->write_queue));
  make_empty(head_of(&stream->write_completed_queue));
  stream->write_queue_size = 0;
  stream->connect_req = nullptr;
  stream->shutdown_req = nullptr;
}

void drop_datagrams(uv_udp_t* udp) {
  make_empty(head_of(&udp->write_queue));
  make_empty(head_of(&udp->write_completed_queue));
  udp->send_queue_size = 0;
  udp->send_queue_count = 0;
}

void drop_requests(uv_handle_t* handle) {
  if (is_stream(handle)) drop_stream_requests(reinterpret_cast<uv_stream_t*>(handle));
  if (handle->type == UV_UDP) drop_datagrams(reinterpret_cast<uv_udp_t*>(handle));
}

void silence_stream(uv_handle_t* handle) {
  uv_read_stop(reinterpret_cast<uv_stream_t*>(handle));
  drop_requests(handle);
  if (handle->type != UV_TTY) kill_descriptor(handle);
}

void silence_udp(uv_handle_t* handle) {
  uv_udp_recv_stop(reinterpret_cast<uv_udp_t*>(handle));
  drop_requests(handle);
  kill_descriptor(handle);
}

// Node keeps count of its own, which are closed when their listeners are removed.
void silence_signal(uv_signal_t* handle, const Silencing& silencing) {
  if (!is_nodes(handle->signal_cb, silencing)) uv_signal_stop(handle);
}

// Whether Node manages itself whether it keeps the loop alive. What was never started has no
// callback by which to tell whose it is: before its first immediate, Node's own is like that.
bool silence_phase(uv_handle_t* handle, const Silencing& silencing) {
  if (handle->type == UV_IDLE) {
    auto* idle = reinterpret_cast<uv_idle_t*>(handle);
    if (idle->idle_cb == nullptr || is_nodes(idle->idle_cb, silencing)) return true;
    uv_idle_stop(idle);
  } else if (handle->type == UV_PREPARE) {
    auto* prepare = reinterpret_cast<uv_prepare_t*>(handle);
    if (prepare->prepare_cb == nullptr || is_nodes(prepare->prepare_cb, silencing)) return true;
    uv_prepare_stop(prepare);
  } else {
    auto* check = reinterpret_cast<uv_check_t*>(handle);
    if (check->check_cb == nullptr || is_nodes(check->check_cb, silencing)) return true;
    uv_check_stop(check);
  }
  return false;
}

bool silence_handle(uv_handle_t* handle, const Silencing& silencing) {
  switch (handle->type) {
    case UV_TIMER:
      if (reinterpret_cast<uv_timer_t*>(handle) == silencing.node_timer) return true;
      uv_timer_stop(reinterpret_cast<uv_timer_t*>(handle));
      return false;
    case UV_IDLE:
    case UV_PREPARE:
    case UV_CHECK:
      return silence_phase(handle, silencing);
    case UV_ASYNC:
      hear_no_messages(reinterpret_cast<uv_async_t*>(handle));
      return false;
    case UV_TCP:
    case UV_NAMED_PIPE:
    case UV_TTY:
      silence_stream(handle);
      return false;
    case UV_UDP:
      silence_udp(handle);
      return false;
    case UV_SIGNAL:
      silence_signal(reinterpret_cast<uv_signal_t*>(handle), silencing);
      return false;
    case UV_FS_EVENT:
      uv_fs_event_stop(reinterpret_cast<uv_fs_event_t*>(handle));
      return false;
    case UV_FS_POLL:
      uv_fs_poll_stop(reinterpret_cast<uv_fs_poll_t*>(handle));
      return false;
    default:
      return false;
  }
}

void silence(uv_handle_t* handle, void* data) {
  if (uv_is_closing(handle)) return;
  const bool manages_itself = silence_handle(handle, *static_cast<Silencing*>(data));
  if (!manages_itself) uv_unref(handle);
}

void find_first_timer(uv_handle_t* handle, void* data) {
  auto** first = static_cast<uv_timer_t**>(data);
  if (*first == nullptr && handle->type == UV_TIMER) *first = reinterpret_cast<uv_timer_t*>(handle);
}

// --- descriptors that the loop watches

bool is_of_the_loop(const uv_loop_t* loop, const uv__io_t* watcher) {
  return watcher == &loop->async_io_watcher || watcher == &loop->signal_io_watcher ||
         watcher == &loop->inotify_read_watcher;
}

void watch_nothing(uv_loop_t* loop) {
  for (unsigned i = 0; i < loop->nwatchers; ++i) {
    uv__io_t* watcher = loop->watchers[i];
    if (watcher == nullptr || is_of_the_loop(loop, watcher)) continue;
    unlink(head_of(&watcher->watcher_queue));
    watcher->pevents = 0;
    watcher->events = 0;
    loop->watchers[i] = nullptr;
    --loop->nfds;
  }
}

void drop_pending(uv_loop_t* loop) {
  Link* const head = head_of(&loop->pending_queue);
  while (next_of(head) != head) unlink(next_of(head));
}

// --- what is done, and nobody has been told

void drop_completions(uv_loop_t* loop) {
  make_empty(head_of(&loop->wq));
  loop->active_reqs.count = 0;
}

void tell_nobody_of_closes(uv_loop_t* loop) {
  for (uv_handle_t* handle = loop->closing_handles; handle != nullptr;
       handle = handle->next_closing) {
    handle->close_cb = nullptr;
    drop_requests(handle);
  }
}

}  // namespace

void learn_message_callback(uv_loop_t* loop) {
  uv_async_t* newest = nullptr;
  uv_walk(
      loop,
      [](uv_handle_t* handle, void* data) {
        if (handle->type == UV_ASYNC)
          *static_cast<uv_async_t**>(data) = reinterpret_cast<uv_async_t*>(handle);
      },
      &newest);
  if (newest == nullptr || carries_messages(newest) || callback_count == kMostCallbacks) return;
  message_callbacks[callback_count++] = newest->async_cb;
}

void quiet_loop(uv_loop_t* loop, const void* node_symbol) {
  uv_timer_t* first_timer = nullptr;
  uv_walk(loop, find_first_timer, &first_timer);
  Silencing silencing = {object_of(node_symbol), first_timer};
  tell_nobody_of_closes(loop);
  uv_walk(loop, silence, &silencing);
  watch_nothing(loop);
  drop_pending(loop);
  drop_completions(loop);
}

void move_check_to_end(uv_check_t* handle) {
  Link* const link = head_of(&handle->queue);
  unlink(link);
  append(head_of(&handle->loop->check_handles), link);
}

}  // namespace prefork
