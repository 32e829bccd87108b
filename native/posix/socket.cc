#include "posix/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "posix/answer.h"
#include "posix/retry_on_eintr.h"

namespace prefork {

namespace {

const sockaddr_in* as_in(const Endpoint& endpoint) {
  return reinterpret_cast<const sockaddr_in*>(&endpoint.storage);
}

const sockaddr_in6* as_in6(const Endpoint& endpoint) {
  return reinterpret_cast<const sockaddr_in6*>(&endpoint.storage);
}

// An unnamed socket has no path at all, a named one ends with a NUL that is not part of its name,
// an abstract one begins with a NUL that is (man 7 unix, "Address format").
int path_text(const Endpoint& endpoint, char* text) {
  const size_t start = offsetof(sockaddr_un, sun_path);
  if (endpoint.length <= start) return 0;

  const char* path = reinterpret_cast<const sockaddr_un*>(&endpoint.storage)->sun_path;
  const size_t room = endpoint.length - start;
  const size_t length = path[0] == '\0' ? room : strnlen(path, room);
  memcpy(text, path, length);
  return static_cast<int>(length);
}

// As Node prints it: a link-local address is of no use without its interface.
void append_scope(const sockaddr_in6& address, char* text) {
  if (!IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) || address.sin6_scope_id == 0) return;
  char interface[IF_NAMESIZE];
  if (if_indextoname(address.sin6_scope_id, interface) == nullptr) return;
  const size_t length = strlen(text);
  snprintf(text + length, kAddressText - length, "%%%s", interface);
}

int inet_text(int family, const void* address, char* text) {
  return inet_ntop(family, address, text, kAddressText) == nullptr ? -errno : 0;
}

}  // namespace

int unix_endpoint(const char* path, size_t length, Endpoint* out) {
  memset(out, 0, sizeof(*out));
  auto* un = reinterpret_cast<sockaddr_un*>(&out->storage);
  const bool abstract = length > 0 && path[0] == '\0';
  const size_t needed = abstract ? length : length + 1;
  if (needed > sizeof(un->sun_path)) return -ENAMETOOLONG;

  un->sun_family = AF_UNIX;
  memcpy(un->sun_path, path, length);
  out->length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + needed);
  return 0;
}

int endpoint_text(const Endpoint& endpoint, char* text) {
  if (endpoint.family() == AF_UNIX) return path_text(endpoint, text);

  int result = -EAFNOSUPPORT;
  if (endpoint.family() == AF_INET) result = inet_text(AF_INET, &as_in(endpoint)->sin_addr, text);
  if (endpoint.family() == AF_INET6) {
    result = inet_text(AF_INET6, &as_in6(endpoint)->sin6_addr, text);
    if (result == 0) append_scope(*as_in6(endpoint), text);
  }
  return result < 0 ? result : static_cast<int>(strlen(text));
}

uint16_t endpoint_port(const Endpoint& endpoint) {
  if (endpoint.family() == AF_INET) return ntohs(as_in(endpoint)->sin_port);
  if (endpoint.family() == AF_INET6) return ntohs(as_in6(endpoint)->sin6_port);
  return 0;
}

void set_endpoint_port(Endpoint* endpoint, uint16_t port) {
  if (endpoint->family() == AF_INET) {
    reinterpret_cast<sockaddr_in*>(&endpoint->storage)->sin_port = htons(port);
  }
  if (endpoint->family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(&endpoint->storage)->sin6_port = htons(port);
  }
}

int resolve_stream(const char* host, const char* service, int family, int flags, addrinfo** list) {
  addrinfo hints = {};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;

  const int error = getaddrinfo(host, service, &hints, list);
  if (error == EAI_SYSTEM) return -errno;
  return error < 0 ? -error : error;
}

int open_stream(int family, int protocol) {
  return answer(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
}

int open_datagram(int family) {
  return answer(socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int get_option(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof(value);
  const int error = answer(getsockopt(fd, level, name, &value, &length));
  return error < 0 ? error : value;
}

int set_option(int fd, int level, int name, int value) {
  return answer(setsockopt(fd, level, name, &value, sizeof(value)));
}

int has_pending(int fd) {
  pollfd listening = {fd, POLLIN, 0};
  const int result = retry_on_eintr([&] { return poll(&listening, 1, 0); });
  if (result == -1) return -errno;
  // Not POLLNVAL or POLLERR: what waits behind a descriptor that was closed, nobody can accept.
  return (listening.revents & POLLIN) != 0 ? 1 : 0;
}

int bind_to(int fd, const Endpoint& endpoint) {
  return answer(bind(fd, endpoint.raw(), endpoint.length));
}

int listen_on(int fd, int backlog) { return answer(listen(fd, backlog)); }

int local_endpoint(int fd, Endpoint* out) {
  memset(out, 0, sizeof(*out));
  out->length = sizeof(out->storage);
  return answer(getsockname(fd, out->raw(), &out->length));
}

// Not called again on EINTR: Linux has let go of the descriptor by then (man 2 close).
int close_descriptor(int fd) { return answer(close(fd)); }

int accept_from(int fd, Endpoint* peer) {
  memset(peer, 0, sizeof(*peer));
  return answer(retry_on_eintr([=] {
    peer->length = sizeof(peer->storage);
    return accept4(fd, peer->raw(), &peer->length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  }));
}

// A connection that died in the queue: ECONNABORTED, and on Linux whatever error was pending on it
// (man 2 accept, "Error handling").
bool concerns_one_connection(int negative_errno) {
  switch (-negative_errno) {
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace prefork
