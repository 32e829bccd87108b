// `client port requests`: sends requests over one connection, one after the other, GET /0, GET /1, ...; prints the nanoseconds
// that each took, one per line. In C, because a client with a garbage collector and a compiler would measure itself.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char response[1 << 20];

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
  return fd;
}

// The length of the whole response, or 0 while its head is not there.
static size_t length_of(void) {
  const char* body = strstr(response, "\r\n\r\n");
  if (body == NULL) return 0;
  const char* length = strcasestr(response, "\r\ncontent-length: ");
  if (length == NULL || length > body) {
    fprintf(stderr, "no length in: %s\n", response);
    exit(1);
  }
  return (size_t)(body + 4 - response) + strtoul(length + 18, NULL, 10);
}

static void ask(int fd, int number) {
  char request[64];
  const int size = snprintf(request, sizeof request, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", number);
  if (write(fd, request, (size_t)size) != size) fail("write");
}

static void receive(int fd) {
  size_t received = 0;
  size_t length = 0;
  while (length == 0 || received < length) {
    const ssize_t size = read(fd, response + received, sizeof response - 1 - received);
    if (size <= 0) fail("read");
    received += (size_t)size;
    response[received] = '\0';
    if (length == 0) length = length_of();
  }
}

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const int fd = connect_to(atoi(arguments[1]));
  const int requests = atoi(arguments[2]);
  for (int i = 0; i < requests; ++i) {
    const int64_t begin = now();
    ask(fd, i);
    receive(fd);
    printf("%ld\n", (long)(now() - begin));
  }
  return 0;
}
