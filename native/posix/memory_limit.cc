#include "posix/memory_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

namespace prefork {

namespace {

constexpr timespec kBetweenLooks = {0, 10 * 1000 * 1000};
constexpr const char* kSizes[] = {"\nVmRSS:", "\nVmSwap:"};

// A child of this process has a copy of it, and of the thread that looks at it: the owner tells.
struct Limit {
  pid_t owner;
  pid_t group;
  int status;  // /proc/self/status of the owner
  int note;
  size_t most;
};
Limit limit;

size_t kilobytes_behind(const char* text, const char* name) {
  const char* const found = strstr(text, name);
  return found == nullptr ? 0 : strtoul(found + strlen(name), nullptr, 10);
}

// 0 if the kernel does not say.
size_t size_by(int status) {
  char text[4096];
  const ssize_t got = pread(status, text, sizeof text - 1, 0);
  if (got <= 0) return 0;
  text[got] = '\0';
  size_t kilobytes = 0;
  for (const char* name : kSizes) kilobytes += kilobytes_behind(text, name);
  return kilobytes * 1024;
}

void end_process() {
  if (write(limit.note, "m", 1) < 0) abort();
  killpg(limit.group, SIGKILL);
  kill(limit.owner, SIGKILL);
}

void* look_again_and_again(void*) {
  for (;;) {
    clock_nanosleep(CLOCK_MONOTONIC, 0, &kBetweenLooks, nullptr);
    if (getpid() != limit.owner) return nullptr;
    if (size_by(limit.status) > limit.most) end_process();
  }
}

// Signals are for the threads of the program.
int start_thread() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 128 * 1024);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, look_again_and_again, nullptr);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return -error;
}

}  // namespace

int limit_memory(size_t bytes, pid_t group, int note) {
  const int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (status < 0) return -errno;
  const size_t now = size_by(status);
  if (now == 0) return -ENOSYS;
  limit = {getpid(), group, status, note, now + bytes};
  return start_thread();
}

}  // namespace prefork
