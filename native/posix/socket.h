// Listening sockets, one system call a function: the value it asks for, or -errno.
#pragma once

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

namespace prefork {

// One end of a connection, as the kernel writes it.
struct Endpoint {
  sockaddr_storage storage;
  socklen_t length;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

// Enough for every numeric address with its scope, and for sun_path.
constexpr size_t kAddressText = 128;

// A path that begins with NUL is in the abstract namespace. 0, or -ENAMETOOLONG where it does not
// fit sun_path.
int unix_endpoint(const char* path, size_t length, Endpoint* out);
void set_endpoint_port(Endpoint* endpoint, uint16_t port);

// The length of the address or path written to `text` (kAddressText bytes), or -errno.
int endpoint_text(const Endpoint& endpoint, char* text);
uint16_t endpoint_port(const Endpoint& endpoint);

// getaddrinfo(3) for SOCK_STREAM: 0 and a list for freeaddrinfo(3), -errno, or a resolver's error
// as a positive number (the absolute value of an EAI_ constant).
int resolve_stream(const char* host, const char* service, int family, int flags, addrinfo** list);

// A stream socket that is non-blocking and closed on exec.
int open_stream(int family, int protocol);
// The same for datagrams.
int open_datagram(int family);
int get_option(int fd, int level, int name);
int set_option(int fd, int level, int name, int value);

// Whether a connection waits to be accepted: 1, 0 or -errno.
int has_pending(int fd);
int bind_to(int fd, const Endpoint& endpoint);
int listen_on(int fd, int backlog);
int local_endpoint(int fd, Endpoint* out);
int close_descriptor(int fd);

// The descriptor of the next connection, non-blocking and closed on exec; -EAGAIN when none waits.
int accept_from(int fd, Endpoint* peer);

// Whether an error of accept_from is that of one connection, so that the next may be tried at once.
bool concerns_one_connection(int negative_errno);

}  // namespace prefork
