#include "posix/room.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "posix/starving.h"

namespace prefork {

namespace {

// Of a line's state.
constexpr double kBooting = 1;
constexpr double kReady = 2;

// Milliseconds; and how often it is doubled.
constexpr uint64_t kShortestAbsence = 4;
constexpr uint32_t kMostDoublings = 8;

// Milliseconds after which an absence that did not end by a look is forgotten.
constexpr uint64_t kForgotten = 1000;

// A worker's first requests take it several times as long as later ones: it copies pages and
// compiles functions. So much processor time may go into what it has accepted before it looks
// again; nanoseconds.
constexpr double kFirstRequests = 50;
constexpr uint64_t kOfFirstRequests = 10'000'000;

uint32_t read(const uint32_t& word) { return __atomic_load_n(&word, __ATOMIC_RELAXED); }

uint32_t lines_in_use(const View& view) {
  const auto count = static_cast<uint32_t>(__atomic_load_n(view.count, __ATOMIC_RELAXED));
  return count < view.most ? count : view.most;
}

// Whatever stands there.
pid_t pid_of(const Line& line) {
  return line.pid > 1 && line.pid < INT32_MAX ? static_cast<pid_t>(line.pid) : -1;
}

bool accepts(const View& view, uint32_t i) {
  return view.lines[i].state == kReady && (read(view.marks[i].accepts_from) & view.socket_bit) != 0;
}

// Beside this worker: all of them begin when the service does.
bool is_being_born(const View& view, uint32_t i, uint64_t now) {
  return view.lines[i].state == kBooting && now < view.young_until;
}

bool has_fewer(const View& view, uint32_t i, uint64_t now) {
  return (accepts(view, i) || is_being_born(view, i, now)) &&
         view.lines[i].connections < view.lines[view.own].connections;
}

bool is_absent(const View& view, uint32_t i, uint64_t now) {
  const Absence& absence = view.absences[i];
  if (now >= absence.until) return false;
  return !absence.ends_by_look || absence.looks == read(view.marks[i].looks);
}

// Whether it has looked since the wait began, or will as soon as it can.
bool looks(const View& view, uint32_t i, uint64_t now) {
  const Line& line = view.lines[i];
  const Absence& absence = view.absences[i];
  if (absence.looks != read(view.marks[i].looks) || is_being_born(view, i, now)) return true;
  const uint64_t enough = line.requests < kFirstRequests ? kOfFirstRequests : kNextToNothing;
  return is_starving(pid_of(line), absence.ran, enough);
}

}  // namespace

uint32_t bit_of(int socket) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  if (getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &size) == -1) return 0;
  return uint32_t{1} << cookie % 32;
}

// Of a socket that listens the kernel gives the length of its queue there (net/ipv4/tcp.c,
// tcp_get_info).
int waiting_connections(int socket) {
  tcp_info info;
  socklen_t size = sizeof(info);
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == -1) return -errno;
  return info.tcpi_state == TCP_LISTEN ? static_cast<int>(info.tcpi_unacked) : -EINVAL;
}

double room_elsewhere(const View& view, uint64_t now) {
  double room = 0;
  for (uint32_t i = 0; i < lines_in_use(view); ++i) {
    if (!has_fewer(view, i, now) || is_absent(view, i, now)) continue;
    room += view.lines[view.own].connections - view.lines[i].connections;
  }
  return room;
}

void begin_to_wait(const View& view, uint64_t now) {
  for (uint32_t i = 0; i < lines_in_use(view); ++i) {
    if (!has_fewer(view, i, now)) continue;
    Absence& absence = view.absences[i];
    const uint32_t looks = read(view.marks[i].looks);
    const bool is_back = absence.looks != looks && absence.ends_by_look;
    if (is_back || now >= absence.until + kForgotten) absence.until = absence.times = 0;
    absence.looks = looks;
    absence.ran = processor_time(pid_of(view.lines[i]));
  }
}

void note_absences(const View& view, uint64_t now, bool is_over) {
  for (uint32_t i = 0; i < lines_in_use(view); ++i) {
    Absence& absence = view.absences[i];
    if (!has_fewer(view, i, now) || is_absent(view, i, now)) continue;
    if (!is_over && looks(view, i, now)) continue;
    absence.until = now + (kShortestAbsence << absence.times);
    absence.ends_by_look = !is_over;
    if (absence.times < kMostDoublings) ++absence.times;
  }
}

}  // namespace prefork
