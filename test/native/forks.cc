// The native core without Node: a process with busy threads forks many times, and each child looks
// whether everything that it should have goes on. Built with sanitizers by test/native/native.test.ts.
// Usage: forks <times>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "check.h"
#include "fork/fork.h"
#include "posix/wait.h"

namespace {

// --- busy threads: each counts what it has done

std::atomic<unsigned long> allocated, created, passed_on, locked, printed;

void* allocate(void*) {
  for (;; ++allocated) {
    char* text = static_cast<char*>(malloc(allocated % 5000 + 1));
    text[0] = 'x';
    free(text);
  }
}

void* end_at_once(void*) { return nullptr; }

// Not under AddressSanitizer: it calls pthread_getattr_np() in every thread that begins, which asks
// the kernel by thread id, and a thread that was stopped right there has an old one in the child.
void* create(void*) {
#if defined(__SANITIZE_ADDRESS__)
  for (;; ++created) usleep(100);
#endif

  for (;; ++created) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, end_at_once, nullptr) == 0) pthread_join(thread, nullptr);
  }
}

// Two threads that wake each other: one waits in epoll for an eventfd, the other in read for a
// pipe.
int wake_fd, epoll_fd, token_pipe[2];

void* pass_by_eventfd(void*) {
  for (char token;;) {
    if (read(token_pipe[0], &token, 1) != 1) continue;
    const uint64_t one = 1;
    CHECK(write(wake_fd, &one, sizeof one) == sizeof one);
  }
}

void* pass_by_pipe(void*) {
  for (;;) {
    epoll_event event;
    if (epoll_wait(epoll_fd, &event, 1, -1) != 1) continue;
    CHECK(event.data.u64 == 0x123456789abcdef0);
    uint64_t count;
    CHECK(read(wake_fd, &count, sizeof count) == sizeof count);
    CHECK(count == 1);
    ++passed_on;
    CHECK(write(token_pipe[1], "t", 1) == 1);
  }
}

// Locks that know their owner by its thread id.
pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
pthread_mutex_t recursive;

void make_recursive() {
  pthread_mutexattr_t attributes;
  CHECK(pthread_mutexattr_init(&attributes) == 0);
  CHECK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) == 0);
  CHECK(pthread_mutex_init(&recursive, &attributes) == 0);
}

void* take_locks(void*) {
  for (;; ++locked) {
    CHECK(pthread_rwlock_wrlock(&rwlock) == 0);
    CHECK(pthread_mutex_lock(&recursive) == 0);
    CHECK(pthread_mutex_lock(&recursive) == 0);
    CHECK(pthread_mutex_unlock(&recursive) == 0);
    CHECK(pthread_mutex_unlock(&recursive) == 0);
    CHECK(pthread_rwlock_unlock(&rwlock) == 0);
  }
}

void* print(void*) {
  FILE* nowhere = fopen("/dev/null", "w");
  CHECK(nowhere != nullptr);
  for (;; ++printed) fprintf(nowhere, "%lu\n", printed.load());
}

std::atomic<int> begun;

void* begin(void* entry) {
  ++begun;
  return reinterpret_cast<void* (*)(void*)>(entry)(nullptr);
}

void start(void* (*entry)(void*)) {
  pthread_t thread;
  CHECK(pthread_create(&thread, nullptr, begin, reinterpret_cast<void*>(entry)) == 0);
}

void start_all() {
  make_recursive();
  wake_fd = eventfd(0, EFD_CLOEXEC);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  CHECK(pipe2(token_pipe, O_CLOEXEC) == 0);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.u64 = 0x123456789abcdef0;
  CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) == 0);
  CHECK(write(token_pipe[1], "t", 1) == 1);
  for (auto* entry :
       {allocate, create, pass_by_eventfd, pass_by_pipe, take_locks, take_locks, print})
    start(entry);
#if defined(__SANITIZE_ADDRESS__)
  // Its own first steps in a thread ask the kernel by thread id, as above.
  while (begun < 7) usleep(100);
#endif
}

void see_all_go_on() {
  for (auto* counter : {&allocated, &created, &passed_on, &locked, &printed}) {
    const unsigned long before = counter->load();
    while (counter->load() < before + 3) usleep(100);
  }
}

// --- descriptors that hold something

struct Belongings {
  int full_pipe[2];
  int counter, semaphore, timer, epoll, stale_epoll, file, locked_file;
  char* marked;  // memory that a plain fork would leave out
};

constexpr size_t kMarkedSize = 1 << 20;

Belongings acquire() {
  Belongings own;
  CHECK(pipe2(own.full_pipe, O_CLOEXEC | O_NONBLOCK) == 0);
  CHECK(write(own.full_pipe[1], "unread", 6) == 6);
  own.counter = eventfd(41, EFD_CLOEXEC | EFD_NONBLOCK);
  own.semaphore = eventfd(3, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  own.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec soon = {{0, 0}, {0, 1000}};
  CHECK(timerfd_settime(own.timer, 0, &soon, nullptr) == 0);
  own.epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN;
  for (const int member : {own.full_pipe[0], own.counter, own.timer}) {
    event.data.fd = member;
    CHECK(epoll_ctl(own.epoll, EPOLL_CTL_ADD, member, &event) == 0);
  }
  own.file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  CHECK(lseek(own.file, 10, SEEK_SET) == 10);
  own.locked_file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  CHECK(flock(own.locked_file, LOCK_SH) == 0);
  own.marked = static_cast<char*>(
      mmap(nullptr, kMarkedSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(own.marked != MAP_FAILED);
  CHECK(madvise(own.marked, kMarkedSize, MADV_DONTFORK) == 0);
  strcpy(own.marked, "copied");
  return own;
}

// A member whose number was closed while a duplicate lives on, and was then given to another that
// is a member too.
void add_stale_member(Belongings& own) {
  own.stale_epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN;
  const int first = eventfd(0, EFD_CLOEXEC);
  CHECK(epoll_ctl(own.stale_epoll, EPOLL_CTL_ADD, first, &event) == 0);
  CHECK(dup(first) >= 0);
  CHECK(close(first) == 0);
  const int second = eventfd(7, EFD_CLOEXEC);
  CHECK(second == first);
  CHECK(epoll_ctl(own.stale_epoll, EPOLL_CTL_ADD, second, &event) == 0);
}

void see_belongings(const Belongings& own) {
  char text[16] = {};
  epoll_event events[8];
  pollfd rung = {own.timer, POLLIN, 0};
  CHECK(poll(&rung, 1, -1) == 1);
  CHECK(epoll_wait(own.epoll, events, 8, 0) == 3);
  CHECK(epoll_wait(own.stale_epoll, events, 8, 0) == 1);
  CHECK(read(own.full_pipe[0], text, sizeof text) == 6);
  CHECK(strcmp(text, "unread") == 0);
  uint64_t count;
  CHECK(read(own.counter, &count, sizeof count) == sizeof count);
  CHECK(count == 41);
  CHECK(read(own.semaphore, &count, sizeof count) == sizeof count);
  CHECK(count == 1);
  CHECK(lseek(own.file, 0, SEEK_CUR) == 10);
  CHECK(read(own.file, text, 6) == 6);
  CHECK(strcmp(own.marked, "copied") == 0);
}

// Waits as JavaScript does: a descriptor tells when to look, any child will do, nobody is spared.
void see_ended(pid_t pid, int expected) {
  const int ended = prefork::open_pidfd(pid);
  CHECK(ended >= 0);
  CHECK(prefork::note_child(pid) == 0);
  pollfd readable = {ended, POLLIN, 0};
  CHECK(poll(&readable, 1, -1) == 1);
  CHECK(close(ended) == 0);
  int status;
  CHECK(prefork::try_wait(-1, 0, &status, nullptr, {nullptr, 0}) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == expected);
  CHECK(prefork::try_wait(-1, 0, &status, nullptr, {nullptr, 0}) == -ECHILD);
}

int child(const Belongings& own) {
  alarm(60);
  see_belongings(own);
  CHECK(lseek(own.locked_file, 5, SEEK_SET) == 5);
  see_all_go_on();
  const int grandchild = prefork::fork_process({0, true});
  CHECK(grandchild >= 0);
  if (grandchild == 0) {
    alarm(60);
    see_all_go_on();
    return 5;
  }
  see_ended(grandchild, 5);
  return 6;
}

}  // namespace

int main(int count, char** arguments) {
  const int times = count > 1 ? atoi(arguments[1]) : 100;
  CHECK(prefork::prepare_fork() == 0);
  start_all();
  Belongings own = acquire();
  add_stale_member(own);
  for (int i = 0; i < times; ++i) {
    const int pid = prefork::fork_process({0, true});
    if (pid < 0) dprintf(2, "fork: %s\n", strerror(-pid));
    CHECK(pid >= 0);
    if (pid == 0) _exit(child(own));
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    if (status != 6 << 8) {
      dprintf(2, "child %d, number %d: status %d\n", pid, i, status);
      return 1;
    }
  }
  see_belongings(own);
  CHECK(lseek(own.locked_file, 0, SEEK_CUR) == 5);  // the lock is shared, and so is the position
  see_all_go_on();
  printf("%d forks\n", times);
  fflush(stdout);
  _exit(0);
}
