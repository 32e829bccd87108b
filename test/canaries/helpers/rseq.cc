// A thread asks the C library for its processor before a fork, and in the child on each processor in turn.
// Status 77: this C library registers no rseq area.
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "fork/fork.h"

namespace {

std::atomic<int> wanted{-1}, wrong{0};
std::atomic<bool> seen{false};

void* follow(void*) {
  for (;;) {
    const int processor = wanted.exchange(-1);
    if (processor < 0) {
      usleep(1000);
      continue;
    }
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    unsigned now = 0;
    if (sched_setaffinity(0, sizeof set, &set) == 0 && syscall(SYS_getcpu, &now, nullptr, nullptr) == 0 &&
        sched_getcpu() != static_cast<int>(now)) {
      fprintf(stderr, "on processor %u the C library says %d\n", now, sched_getcpu());
      ++wrong;
    }
    seen = true;
  }
}

void see_on_each_processor() {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (!CPU_ISSET(processor, &allowed)) continue;
    seen = false;
    wanted = processor;
    while (!seen) usleep(1000);
  }
}

}  // namespace

int main() {
  alarm(60);
  const auto* size = static_cast<const unsigned*>(dlsym(RTLD_DEFAULT, "__rseq_size"));
  if (size == nullptr || *size == 0) {
    printf("this C library registers no rseq area\n");
    return 77;
  }
  if (prefork::prepare_fork() < 0) return 1;
  pthread_t thread;
  if (pthread_create(&thread, nullptr, follow, nullptr) != 0) return 1;
  see_on_each_processor();
  const int pid = prefork::fork_process({});
  if (pid < 0) return 2;
  if (pid == 0) {
    alarm(60);
    see_on_each_processor();
    _exit(wrong == 0 ? 0 : 3);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return wrong == 0 && status == 0 ? 0 : 4;
}
