#include "fork/new_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace prefork {

namespace {

// More than there are threads that may be at it at once, for all practical purposes: one that finds
// no place is not waited for.
constexpr int kMost = 64;

// Together with the pauses between them (let_threads_run) a third of a second.
constexpr int kLooks = 100;

struct Sighting {
  ino_t inode;
  int looks;  // at which it was new, one after the other
};

struct Look {
  Sighting list[kMost];
  int count;

  int looks_at(ino_t inode) const {
    for (int i = 0; i < count; ++i) {
      if (list[i].inode == inode) return list[i].looks;
    }
    return 0;
  }

  void add(const Sighting& sighting) {
    if (count < kMost) list[count++] = sighting;
  }
};

Look last;
Look now;

// Where there are more the oldest make way: they may be closed by now.
ino_t kept[kMost];
unsigned kept_ever;

void keep(ino_t inode) { kept[kept_ever++ % kMost] = inode; }

bool is_kept(ino_t inode) {
  for (const ino_t each : kept) {
    if (each == inode) return true;
  }
  return false;
}

bool is_stream(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

bool has_peer(int fd) {
  sockaddr_storage address;
  socklen_t size = sizeof address;
  return getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
}

// An internet socket has a port from bind() or connect() on, also once it is disconnected again. A
// Unix socket that only sends datagrams stays without a name, so of those streams alone count.
bool is_new(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0) return false;
  switch (address.ss_family) {
    case AF_INET:
    case AF_INET6:  // the port is at the same place
      return reinterpret_cast<const sockaddr_in*>(&address)->sin_port == 0;
    case AF_UNIX:
      return size == sizeof address.ss_family && is_stream(fd) && !has_peer(fd);
    default:
      return false;
  }
}

}  // namespace

void look_for_new_sockets() {
  last = now;
  now.count = 0;
}

void note_socket(int fd, ino_t inode) {
  if (is_kept(inode) || !is_new(fd)) return;
  const int looks = last.looks_at(inode) + 1;
  if (looks < kLooks) {
    now.add({inode, looks});
  } else {
    keep(inode);
  }
}

bool has_new_sockets() { return now.count > 0; }

}  // namespace prefork
