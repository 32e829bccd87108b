// Threads that make, bind and connect sockets again and again, while the process forks: in neither
// process a call fails. What is a new socket, and that nobody waits for a kept one twice.
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "check.h"
#include "fork/fork.h"
#include "fork/new_sockets.h"

namespace {

constexpr int kForks = 30;

int make(int family, int type) {
  const int fd = socket(family, type | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  return fd;
}

sockaddr_in here(in_port_t port = 0) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = port;
  return address;
}

void bind_to(int fd, const sockaddr_in& address) {
  CHECK(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

void connect_to(int fd, const sockaddr_in& address) {
  CHECK(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

sockaddr_in name_of(int fd) {
  sockaddr_in address;
  socklen_t size = sizeof address;
  CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return address;
}

int listen_here() {
  const int fd = make(AF_INET, SOCK_STREAM);
  bind_to(fd, here());
  CHECK(listen(fd, 128) == 0);
  return fd;
}

// --- threads

std::atomic<unsigned long> listened, connected;

void* listen_again_and_again(void*) {
  for (;; ++listened) CHECK(close(listen_here()) == 0);
}

// By datagrams: connect() is over at once.
void* connect_again_and_again(void*) {
  for (;; ++connected) {
    const int fd = make(AF_INET, SOCK_DGRAM);
    connect_to(fd, here(htons(9)));
    CHECK(close(fd) == 0);
  }
}

void start(void* (*entry)(void*)) {
  pthread_t thread;
  CHECK(pthread_create(&thread, nullptr, entry, nullptr) == 0);
}

void see_both_go_on() {
  for (auto* counter : {&listened, &connected}) {
    const unsigned long before = counter->load();
    while (counter->load() < before + 3) usleep(100);
  }
}

void fork_once() {
  const int pid = prefork::fork_process({0, true});
  if (pid < 0) dprintf(2, "fork: %s\n", strerror(-pid));
  CHECK(pid >= 0);
  if (pid == 0) {
    alarm(60);
    see_both_go_on();
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

// --- which are new

bool is_waited_for(int fd) {
  struct stat status;
  CHECK(fstat(fd, &status) == 0);
  prefork::look_for_new_sockets();
  prefork::note_socket(fd, status.st_ino);
  return prefork::has_new_sockets();
}

void see_which_are_new() {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    for (const int family : {AF_INET, AF_INET6}) CHECK(is_waited_for(make(family, type)));
  }
  CHECK(is_waited_for(make(AF_UNIX, SOCK_STREAM)));
}

void see_which_are_not() {
  const int server = listen_here();
  CHECK(!is_waited_for(server));
  const int client = make(AF_INET, SOCK_STREAM);
  connect_to(client, name_of(server));
  CHECK(!is_waited_for(client));
  CHECK(close(server) == 0);  // which resets the connection
  char byte;
  CHECK(read(client, &byte, 1) == -1);
  CHECK(!is_waited_for(client));

  const int datagrams = make(AF_INET, SOCK_DGRAM);
  bind_to(datagrams, here());
  CHECK(!is_waited_for(datagrams));
  CHECK(!is_waited_for(make(AF_UNIX, SOCK_DGRAM)));

  int pair[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  CHECK(!is_waited_for(pair[0]));
  CHECK(close(pair[1]) == 0);
  CHECK(!is_waited_for(pair[0]));

  const int named = make(AF_UNIX, SOCK_STREAM);
  const sa_family_t family = AF_UNIX;  // the kernel finds a name
  CHECK(bind(named, reinterpret_cast<const sockaddr*>(&family), sizeof family) == 0);
  CHECK(!is_waited_for(named));
}

// A kept one is shared, as POSIX says.
void see_kept() {
  const int kept = make(AF_INET, SOCK_STREAM);
  CHECK(is_waited_for(kept));
  const int pid = prefork::fork_process({0, true});
  CHECK(pid >= 0);
  if (pid == 0) {
    bind_to(kept, here());
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  CHECK(name_of(kept).sin_port != 0);

  const int other = make(AF_INET, SOCK_STREAM);
  CHECK(is_waited_for(other));
  fork_once();
  CHECK(!is_waited_for(other));
  CHECK(close(other) == 0);
  CHECK(is_waited_for(make(AF_INET, SOCK_STREAM)));
}

}  // namespace

int main() {
  CHECK(prefork::prepare_fork() == 0);
  start(listen_again_and_again);
  start(connect_again_and_again);
  see_both_go_on();
  for (int i = 0; i < kForks; ++i) fork_once();
  printf("%d forks\n", kForks);
  see_which_are_not();
  see_kept();
  see_which_are_new();
  printf("ok\n");
  fflush(stdout);
  _exit(0);
}
