#include "fork/cut_off.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fork/procfs.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

// The local port of a TCP socket; -1 for everything else.
int port_of(int fd, sa_family_t* family) {
  struct stat status;
  if (fstat(fd, &status) < 0 || !S_ISSOCK(status.st_mode)) return -1;
  int type = 0;
  socklen_t type_size = sizeof type;
  getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size);
  if (type != SOCK_STREAM) return -1;
  sockaddr_in6 address = {};  // the port is at the same place in sockaddr_in
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0) return -1;
  *family = address.sin6_family;
  const bool is_internet = *family == AF_INET || *family == AF_INET6;
  return is_internet ? ntohs(address.sin6_port) : -1;
}

int replace(int fd, sa_family_t family) {
  const int dead = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (dead < 0) return -errno;
  const long result = sys(SYS_dup3, dead, fd, O_CLOEXEC);
  sys(SYS_close, dead);
  return result < 0 ? static_cast<int>(result) : 0;
}

}  // namespace

int cut_off_sockets(int port) {
  return for_each_number("/proc/thread-self/fd", [port](int fd) {
    sa_family_t family = AF_UNSPEC;
    return port_of(fd, &family) == port ? replace(fd, family) : 0;
  });
}

}  // namespace prefork
