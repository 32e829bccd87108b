// A thread that is stopped in a blocking call, with locks that know their owner by its number, can
// give them up in the child as in the parent, and so can the one that forks; one that waits in an
// event loop has its own number there. Prints the name of each call.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "check.h"
#include "fork/fork.h"
#include "fork/libc.h"
#include "fork/settle.h"

namespace {

std::atomic<bool> told;  // to come back from the call, and to give the locks up

constexpr timespec kMoment = {0, 20 * 1000 * 1000};

timespec a_moment_after(clockid_t clock) {
  timespec time;
  CHECK(clock_gettime(clock, &time) == 0);
  time.tv_nsec += kMoment.tv_nsec;
  if (time.tv_nsec >= 1000 * 1000 * 1000) ++time.tv_sec, time.tv_nsec -= 1000 * 1000 * 1000;
  return time;
}

// --- what the calls wait for; nothing of it comes before the threads are told

int pipe_fds[2], full_pipe[2], silent_pipe[2], socket_fds[2], silent_sockets[2];
int held_file, wanted_file, record_file;
int semaphores, messages;
int epoll_fd, epoll_pwait_fd, wake_fd;
pid_t helper;
std::atomic<uint32_t> word;
sem_t semaphore, silent_semaphore;
pthread_mutex_t condition_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
pthread_mutex_t taken_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_rwlock_t taken_rwlock = PTHREAD_RWLOCK_INITIALIZER;

int temporary_file() {
  char name[] = "/tmp/prefork-locks-XXXXXX";
  const int file = mkstemp(name);
  CHECK(file >= 0);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  if (wanted_file == 0) CHECK((wanted_file = open(path, O_RDWR | O_CLOEXEC)) >= 0);
  CHECK(unlink(name) == 0);
  return file;
}

short lock_type(int type) { return static_cast<short>(type); }

int lock_record(int operation, int type) {
  struct flock lock = {};
  lock.l_type = lock_type(type);
  lock.l_whence = SEEK_SET;
  return fcntl(record_file, operation, &lock);
}

// Another process has the record locked until the threads are told.
void start_helper() {
  int ready[2];
  CHECK(pipe2(ready, O_CLOEXEC) == 0);
  helper = fork();
  CHECK(helper >= 0);
  if (helper == 0) {
    alarm(120);
    CHECK(lock_record(F_SETLK, F_WRLCK) == 0);
    CHECK(write(ready[1], "r", 1) == 1);
    for (;;) pause();
  }
  char letter;
  CHECK(read(ready[0], &letter, 1) == 1);
}

void set_up() {
  char letters[64 * 1024] = {};
  CHECK(pipe2(pipe_fds, O_CLOEXEC) == 0 && pipe2(silent_pipe, O_CLOEXEC) == 0);
  CHECK(pipe2(full_pipe, O_CLOEXEC) == 0);
  CHECK(write(full_pipe[1], letters, sizeof letters) == sizeof letters);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socket_fds) == 0);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, silent_sockets) == 0);
  const timeval moment = {0, kMoment.tv_nsec / 1000};
  CHECK(setsockopt(silent_sockets[0], SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof moment) == 0);
  held_file = temporary_file();
  CHECK(flock(held_file, LOCK_EX) == 0);
  record_file = temporary_file();
  start_helper();
  CHECK((semaphores = semget(IPC_PRIVATE, 1, 0600)) >= 0);
  CHECK((messages = msgget(IPC_PRIVATE, 0600)) >= 0);
  CHECK(sem_init(&semaphore, 0, 0) == 0 && sem_init(&silent_semaphore, 0, 0) == 0);
  CHECK(pthread_mutex_lock(&taken_mutex) == 0 && pthread_rwlock_rdlock(&taken_rwlock) == 0);
  wake_fd = eventfd(0, EFD_CLOEXEC);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  epoll_pwait_fd = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN;
  CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) == 0);
  CHECK(epoll_ctl(epoll_pwait_fd, EPOLL_CTL_ADD, wake_fd, &event) == 0);
}

void tell_all() {
  told = true;
  CHECK(write(pipe_fds[1], "t", 1) == 1);
  CHECK(write(socket_fds[1], "tt", 2) == 2);  // sockets are shared: one for each process
  char letters[64 * 1024];
  CHECK(read(full_pipe[0], letters, sizeof letters) > 0);
  CHECK(flock(held_file, LOCK_UN) == 0);
  kill(helper, SIGKILL);
  word = 1;
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 100, nullptr, nullptr, 0);
  CHECK(sem_post(&semaphore) == 0);
  CHECK(pthread_mutex_lock(&condition_mutex) == 0);
  CHECK(pthread_cond_broadcast(&condition) == 0);
  CHECK(pthread_mutex_unlock(&condition_mutex) == 0);
  CHECK(pthread_mutex_unlock(&taken_mutex) == 0 && pthread_rwlock_unlock(&taken_rwlock) == 0);
  const uint64_t one = 1;
  CHECK(write(wake_fd, &one, sizeof one) == sizeof one);
}

// --- the calls; each comes back for good when its thread has been told

template <typename Call>
void until_told(Call call) {
  do {
    call();
  } while (!told);
}

void in_nanosleep() {
  until_told([] { nanosleep(&kMoment, nullptr); });
}
void in_clock_nanosleep() {
  until_told([] {
    const timespec end = a_moment_after(CLOCK_MONOTONIC);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr);
  });
}
void in_usleep() {
  until_told([] { usleep(kMoment.tv_nsec / 1000); });
}
void in_futex() {
  until_told([] { syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0); });
}
void in_futex_with_timeout() {
  until_told([] { syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &kMoment, nullptr, 0); });
}
void in_pthread_cond_wait() {
  CHECK(pthread_mutex_lock(&condition_mutex) == 0);
  while (!told) CHECK(pthread_cond_wait(&condition, &condition_mutex) == 0);
  CHECK(pthread_mutex_unlock(&condition_mutex) == 0);
}
void in_pthread_cond_timedwait() {
  CHECK(pthread_mutex_lock(&condition_mutex) == 0);
  until_told([] {
    const timespec end = a_moment_after(CLOCK_REALTIME);
    pthread_cond_timedwait(&condition, &condition_mutex, &end);
  });
  CHECK(pthread_mutex_unlock(&condition_mutex) == 0);
}
void in_pthread_mutex_lock() {
  CHECK(pthread_mutex_lock(&taken_mutex) == 0);
  CHECK(pthread_mutex_unlock(&taken_mutex) == 0);
}
void in_pthread_rwlock_wrlock() {
  CHECK(pthread_rwlock_wrlock(&taken_rwlock) == 0);
  CHECK(pthread_rwlock_unlock(&taken_rwlock) == 0);
}
void in_sem_wait() {
  while (sem_wait(&semaphore) != 0) CHECK(errno == EINTR);
}
void in_sem_timedwait() {
  until_told([] {
    const timespec end = a_moment_after(CLOCK_REALTIME);
    sem_timedwait(&silent_semaphore, &end);
  });
}
void in_poll() {
  pollfd nothing = {silent_pipe[0], POLLIN, 0};
  until_told([&] { poll(&nothing, 1, kMoment.tv_nsec / 1000 / 1000); });
}
void in_ppoll() {
  pollfd nothing = {silent_pipe[0], POLLIN, 0};
  until_told([&] { ppoll(&nothing, 1, &kMoment, nullptr); });
}
// The first argument of select is a number as small as an epoll descriptor's, and here the same.
void in_select() {
  until_told([] {
    timeval moment = {0, kMoment.tv_nsec / 1000};
    select(epoll_fd, nullptr, nullptr, nullptr, &moment);
  });
}
void in_pselect() {
  until_told([] { pselect(epoll_fd, nullptr, nullptr, nullptr, &kMoment, nullptr); });
}
void in_read() {
  char letter;
  while (read(pipe_fds[0], &letter, 1) != 1) CHECK(errno == EINTR);
}
void in_write() {
  char letters[64 * 1024] = {};
  while (write(full_pipe[1], letters, sizeof letters) < 0) CHECK(errno == EINTR);
}
void in_recv() {
  char letter;
  while (recv(socket_fds[0], &letter, 1, 0) != 1) CHECK(errno == EINTR);
}
// With a timeout it fails with EINTR in spite of SA_RESTART.
void in_recv_with_timeout() {
  char letter;
  until_told([&] { recv(silent_sockets[0], &letter, 1, 0); });
}
void in_flock() {
  while (flock(wanted_file, LOCK_EX) != 0) CHECK(errno == EINTR);
}
void in_fcntl() {
  while (lock_record(F_SETLKW, F_WRLCK) != 0) CHECK(errno == EINTR);
  CHECK(lock_record(F_SETLK, F_UNLCK) == 0);
}
void in_semtimedop() {
  until_told([] {
    sembuf down = {0, -1, 0};
    semtimedop(semaphores, &down, 1, &kMoment);
  });
}
// Ended by the removal of its queue.
void in_msgrcv() {
  struct {
    long type;
    char text[8];
  } message;
  while (msgrcv(messages, &message, sizeof message.text, 0, 0) < 0 && errno == EINTR) continue;
}
void in_sigtimedwait() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  until_told([&] { sigtimedwait(&set, nullptr, &kMoment); });
}

void in_fork() {}

void in_epoll_wait() {
  epoll_event event;
  while (epoll_wait(epoll_fd, &event, 1, -1) != 1) CHECK(errno == EINTR);
}
void in_epoll_pwait() {
  epoll_event event;
  while (epoll_pwait(epoll_pwait_fd, &event, 1, -1, nullptr) != 1) CHECK(errno == EINTR);
}

// --- the threads

struct Waiter {
  const char* name;
  void (*wait)();
  bool has_locks;
  pthread_t thread;
  std::atomic<pid_t> tid;
  std::atomic<bool> done;
  pthread_mutex_t recursive, checking;
  pthread_rwlock_t rwlock;
};

#define WITH_LOCKS(name)                                   \
  {                                                        \
#name, in_##name, true, {}, {0 }, {false }, {}, {}, {} \
  }
#define WITHOUT_LOCKS(name)                                 \
  {                                                         \
#name, in_##name, false, {}, {0 }, {false }, {}, {}, {} \
  }

Waiter waiters[] = {
    WITH_LOCKS(nanosleep),
    WITH_LOCKS(clock_nanosleep),
    WITH_LOCKS(usleep),
    WITH_LOCKS(futex),
    WITH_LOCKS(futex_with_timeout),
    WITH_LOCKS(pthread_cond_wait),
    WITH_LOCKS(pthread_cond_timedwait),
    WITH_LOCKS(pthread_mutex_lock),
    WITH_LOCKS(pthread_rwlock_wrlock),
    WITH_LOCKS(sem_wait),
    WITH_LOCKS(sem_timedwait),
    WITH_LOCKS(poll),
    WITH_LOCKS(ppoll),
    WITH_LOCKS(select),
    WITH_LOCKS(pselect),
    WITH_LOCKS(read),
    WITH_LOCKS(write),
    WITH_LOCKS(recv),
    WITH_LOCKS(recv_with_timeout),
    WITH_LOCKS(flock),
    WITH_LOCKS(fcntl),
    WITH_LOCKS(semtimedop),
    WITH_LOCKS(msgrcv),
    WITH_LOCKS(sigtimedwait),
    WITHOUT_LOCKS(epoll_wait),
    WITHOUT_LOCKS(epoll_pwait),
};

void make(pthread_mutex_t& mutex, int type) {
  pthread_mutexattr_t attributes;
  CHECK(pthread_mutexattr_init(&attributes) == 0);
  CHECK(pthread_mutexattr_settype(&attributes, type) == 0);
  CHECK(pthread_mutex_init(&mutex, &attributes) == 0);
}

void take_locks(Waiter& self) {
  make(self.recursive, PTHREAD_MUTEX_RECURSIVE);
  make(self.checking, PTHREAD_MUTEX_ERRORCHECK);
  CHECK(pthread_rwlock_init(&self.rwlock, nullptr) == 0);
  for (int i = 0; i < 2; ++i) CHECK(pthread_mutex_lock(&self.recursive) == 0);
  CHECK(pthread_mutex_lock(&self.checking) == 0);
  CHECK(pthread_rwlock_wrlock(&self.rwlock) == 0);
}

void expect(const Waiter& self, const char* what, int result) {
  if (result == 0) return;
  dprintf(2, "%s, %s: %s\n", self.name, what, strerror(result));
  abort();
}

void give_up_locks(Waiter& self) {
  expect(self, "rwlock", pthread_rwlock_unlock(&self.rwlock));
  expect(self, "error-checking mutex", pthread_mutex_unlock(&self.checking));
  for (int i = 0; i < 2; ++i)
    expect(self, "recursive mutex", pthread_mutex_unlock(&self.recursive));
}

void* run(void* argument) {
  auto& self = *static_cast<Waiter*>(argument);
  if (self.has_locks) take_locks(self);
  self.tid = static_cast<pid_t>(syscall(SYS_gettid));
  self.wait();
  if (self.has_locks) give_up_locks(self);
  self.done = true;
  return nullptr;
}

bool sleeps(pid_t tid) {
  char path[64], line[512] = {};
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  CHECK(file >= 0);
  CHECK(read(file, line, sizeof line - 1) > 0);
  close(file);
  return strrchr(line, ')')[2] == 'S';
}

void start(Waiter& waiter) {
  CHECK(pthread_create(&waiter.thread, nullptr, run, &waiter) == 0);
  while (waiter.tid == 0 || !sleeps(waiter.tid)) usleep(1000);
}

void see_locks_free(Waiter& waiter) {
  expect(waiter, "rwlock afterwards", pthread_rwlock_trywrlock(&waiter.rwlock));
  expect(waiter, "error-checking mutex afterwards", pthread_mutex_trylock(&waiter.checking));
  expect(waiter, "recursive mutex afterwards", pthread_mutex_trylock(&waiter.recursive));
}

// In the child its copy of the thread has another number, by which the kernel reaches it.
void see_own_number(const Waiter& waiter) {
  while (pthread_kill(waiter.thread, SIGUSR1) != 0) usleep(1000);
}

Waiter forking = WITH_LOCKS(fork);

// At the bottom of an event loop, where it holds no lock.
void take_own_number() {
  prefork::take_new_tid();
  CHECK(*prefork::tid_word() == static_cast<pid_t>(syscall(SYS_gettid)));
}

// In the child and then in the parent. Between the fork and the end of the calls every thread is
// looked at several times, after 1, 2, 4, 8 … ms: whether it may take its number now.
void go_on() {
  alarm(60);
  usleep(100 * 1000);
  for (auto& waiter : waiters)
    if (!waiter.has_locks) see_own_number(waiter);
  tell_all();
  for (auto& waiter : waiters) {
    if (waiter.wait == in_msgrcv) msgctl(messages, IPC_RMID, nullptr);
    while (!waiter.done) usleep(1000);
    if (waiter.has_locks) see_locks_free(waiter);
  }
}

}  // namespace

int main() {
  alarm(120);
  CHECK(prefork::prepare_fork() == 0);
  signal(SIGUSR1, [](int) {});
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  set_up();
  for (auto& waiter : waiters) start(waiter);
  take_locks(forking);
  prefork::ForkOptions options;
  options.threads_go_on = true;
  options.keeps_tid = true;
  const int pid = prefork::fork_process(options);
  CHECK(pid >= 0);
  give_up_locks(forking);
  see_locks_free(forking);
  if (pid == 0) take_own_number();
  if (pid == 0) {
    go_on();
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  go_on();
  for (const auto& waiter : waiters) puts(waiter.name);
  semctl(semaphores, 0, IPC_RMID);
  fflush(stdout);
  _exit(0);
}
