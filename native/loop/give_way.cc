#include "loop/give_way.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace prefork {

namespace {

// Moments in a row in which nobody takes a connection.
constexpr int kMostMoments = 20;

// As many connections are taken before the loop does anything else.
constexpr int kMostAtOnce = 16;

}  // namespace

struct GiveWay {
  uv_poll_t news;
  uv_timer_t moment;
  int open_handles;
  uint32_t milliseconds;
  int socket;  // the server's
  int copy;    // of it
  uv_stream_t* server;
  View others;
  Mark* own;
  bool watches_news;  // libuv's watch is off, and the copy's is for news only
  bool never;
  bool stopped;
  int left;     // how many connections waited when they were left to others
  int moments;  // since then
  void (*released)(void* data);
  void* data;
};

namespace {

// Of all lines there can be, most of which are never in use: what nobody writes to takes no memory.
size_t size_of_absences(uint32_t lines) { return lines * sizeof(Absence); }

Absence* make_absences(uint32_t lines) {
  void* made = mmap(nullptr, size_of_absences(lines), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return made == MAP_FAILED ? nullptr : static_cast<Absence*>(made);
}

void free_absences(Absence* absences, uint32_t lines) {
  if (absences != nullptr) munmap(absences, size_of_absences(lines));
}

struct Search {
  int fd;
  uv_stream_t* found;
};

void compare(uv_handle_t* handle, void* data) {
  auto* search = static_cast<Search*>(data);
  uv_os_fd_t fd;
  if (uv_handle_get_type(handle) != UV_TCP || uv_is_closing(handle)) return;
  if (uv_fileno(handle, &fd) == 0 && fd == search->fd) {
    search->found = reinterpret_cast<uv_stream_t*>(handle);
  }
}

uv_stream_t* find_server(uv_loop_t* loop, int fd) {
  Search search = {fd, nullptr};
  uv_walk(loop, compare, &search);
  return search.found;
}

// What libuv watches it for stays as it is in libuv's own books, so that it changes nothing here.
int watch(const GiveWay* self, int fd, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  return epoll_ctl(uv_backend_fd(self->server->loop), EPOLL_CTL_MOD, fd, &event) == -1 ? -errno : 0;
}

// libuv adds both descriptors in the first turn of the loop, so that they can be changed from the
// first news on. In that turn libuv has the socket's own news, too, and accepts one: until then
// this process has no connection, and nobody has fewer. The change has the copy tell of the others.
void watch_news_only(GiveWay* self) {
  self->watches_news =
      watch(self, self->socket, 0) == 0 && watch(self, self->copy, EPOLLIN | EPOLLET) == 0;
}

void look_in_next_turn(const GiveWay* self) { watch(self, self->copy, EPOLLIN | EPOLLET); }

// libuv has its ways with errors of accept(2): it closes what waits where no descriptor is left, or
// tells the server.
void leave_error_to_libuv(const GiveWay* self) {
  watch(self, self->socket, EPOLLIN | EPOLLONESHOT);
}

void on_moment(uv_timer_t* timer);

void wait_a_moment(GiveWay* self, int waiting) {
  if (uv_is_active(reinterpret_cast<uv_handle_t*>(&self->moment))) return;
  uv_update_time(self->server->loop);
  if (self->moments == 0 || waiting < self->left) {
    self->moments = 0;
    begin_to_wait(self->others, uv_now(self->server->loop));
  }
  self->left = waiting;
  uv_timer_start(&self->moment, on_moment, self->milliseconds, 0);
}

void end_wait(GiveWay* self) {
  self->moments = 0;
  uv_timer_stop(&self->moment);
}

// Whether the next connection is for this process. If there are more of them than the others need
// to have as many as it has, it is.
bool is_next(GiveWay* self) {
  if (self->never) return true;
  const double room = room_elsewhere(self->others, uv_now(self->server->loop));
  if (room == 0) return true;
  const int waiting = waiting_connections(self->socket);
  if (waiting < 0 || waiting > room) return true;
  if (waiting > 0)
    wait_a_moment(self, waiting);
  else
    end_wait(self);
  return false;
}

// As libuv does after its own accept(2) (src/unix/stream.c, uv__server_io).
void hand_to_server(GiveWay* self, int connection) {
  self->server->accepted_fd = connection;
  self->server->connection_cb(self->server, 0);
  if (self->stopped || self->server->accepted_fd == -1) return;
  self->server->accepted_fd = -1;  // nobody wanted it
  close(connection);
}

// False: no more for now.
bool take_one(GiveWay* self) {
  const int connection = accept4(self->socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection >= 0) {
    hand_to_server(self, connection);
    return !self->stopped;
  }
  if (errno == EINTR || errno == ECONNABORTED) return true;
  if (errno == EAGAIN) {
    end_wait(self);
    return false;
  }
  leave_error_to_libuv(self);
  wait_a_moment(self, 0);
  return false;
}

void look(GiveWay* self) {
  if (uv_is_closing(reinterpret_cast<uv_handle_t*>(self->server))) return give_way_stop(self);
  if (!self->never) __atomic_fetch_add(&self->own->looks, 1, __ATOMIC_RELAXED);
  for (int i = 0; i < kMostAtOnce; ++i) {
    if (!is_next(self) || !take_one(self)) return;
  }
  look_in_next_turn(self);
}

void on_news(uv_poll_t* news, int, int) {
  auto* self = static_cast<GiveWay*>(news->data);
  if (self->watches_news)
    look(self);
  else
    watch_news_only(self);
}

void on_moment(uv_timer_t* timer) {
  auto* self = static_cast<GiveWay*>(timer->data);
  const int waiting = waiting_connections(self->socket);
  const bool is_over = waiting >= self->left && ++self->moments >= kMostMoments;
  note_absences(self->others, uv_now(self->server->loop), is_over);
  if (is_over) end_wait(self);
  if (!is_over || take_one(self)) look(self);
}

void on_close(uv_handle_t* handle) {
  auto* self = static_cast<GiveWay*>(handle->data);
  if (--self->open_handles > 0) return;
  void (*released)(void*) = self->released;
  void* data = self->data;
  free_absences(self->others.absences, self->others.most);
  free(self);
  released(data);
}

}  // namespace

int give_way_start(uv_loop_t* loop, int socket, const View& view, Mark* own, Times times,
                   void (*released)(void* data), void* data, GiveWay** out) {
  uv_stream_t* server = find_server(loop, socket);
  const uint32_t bit = bit_of(socket);
  if (server == nullptr || bit == 0) return -ENOTSUP;
  if (waiting_connections(socket) < 0) return -ENOTSUP;
  const int copy = fcntl(socket, F_DUPFD_CLOEXEC, 3);
  if (copy == -1) return -errno;
  auto* self = static_cast<GiveWay*>(calloc(1, sizeof(GiveWay)));
  Absence* absences = make_absences(view.most);
  int error =
      self == nullptr || absences == nullptr ? -ENOMEM : uv_poll_init(loop, &self->news, copy);
  if (error < 0) {
    free_absences(absences, view.most);
    free(self);
    close(copy);
    return error;
  }
  uv_timer_init(loop, &self->moment);
  self->news.data = self->moment.data = self;
  self->open_handles = 2;
  self->milliseconds = times.moment;
  self->socket = socket;
  self->copy = copy;
  self->server = server;
  self->others = view;
  self->others.socket_bit = bit;
  self->others.absences = absences;
  // The loop's own time may have stood still in the process that this one was forked from.
  self->others.young_until = uv_hrtime() / 1'000'000 + times.youth;
  self->own = own;
  self->released = released;
  self->data = data;
  // The server itself keeps the loop alive, or does not.
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->news));
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->moment));
  uv_poll_start(&self->news, UV_READABLE, on_news);
  own->accepts_from |= bit;
  *out = self;
  return 0;
}

void give_way_stop(GiveWay* self) {
  if (self->stopped) return;
  self->stopped = true;
  if (!self->never) self->own->accepts_from &= ~self->others.socket_bit;
  uv_close(reinterpret_cast<uv_handle_t*>(&self->news), on_close);
  uv_close(reinterpret_cast<uv_handle_t*>(&self->moment), on_close);
  close(self->copy);
}

void give_way_never(GiveWay* self) { self->never = true; }

}  // namespace prefork
