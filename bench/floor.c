// What the benchmarks need of the kernel and Node does not offer. The floor for a fork of this very process: a bare clone(2)
// duplicates all its memory.
//
// bare_clone() returns the nanoseconds from the call to the child's first instruction. V8's marks (MADV_DONTFORK) are cleared
// before the clock starts and set again after it stops. The child has one thread and ends at once.
#define _GNU_SOURCE
#include <errno.h>
#include <node_api.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RANGES 65536

static struct {
  uintptr_t start, end;
} ranges[MAX_RANGES];
static int range_count;

static int64_t* child_time;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

// "dc" in VmFlags: not copied on fork (man 5 proc).
static void list_marked(void) {
  static char line[4096];
  uintptr_t start = 0, end = 0;
  FILE* smaps = fopen("/proc/self/smaps", "re");
  range_count = 0;
  while (smaps != NULL && fgets(line, sizeof line, smaps) != NULL) {
    uintptr_t a, b;
    if (sscanf(line, "%lx-%lx ", &a, &b) == 2) {
      start = a;
      end = b;
    } else if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " dc") != NULL && range_count < MAX_RANGES) {
      ranges[range_count].start = start;
      ranges[range_count++].end = end;
    }
  }
  if (smaps != NULL) fclose(smaps);
}

static void advise(int advice) {
  for (int i = 0; i < range_count; ++i) {
    madvise((void*)ranges[i].start, ranges[i].end - ranges[i].start, advice);
  }
}

static napi_value bare_clone(napi_env env, napi_callback_info info) {
  list_marked();
  advise(MADV_DOFORK);
  const int64_t begin = now();
  const long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (pid == 0) {
    *child_time = now();
    syscall(SYS_exit_group, 0);
  }
  syscall(SYS_wait4, pid, NULL, 0, NULL);
  advise(MADV_DONTFORK);
  napi_value result;
  napi_create_double(env, (double)(*child_time - begin), &result);
  return result;
}

// Of libuv, whose header node-api-headers does not have.
int uv_backend_fd(const struct uv_loop_s*);

// watchExclusively(fd): of the processes whose loops watch this socket the kernel wakes one for each connection.
static napi_value watch_exclusively(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int fd;
  struct uv_loop_s* loop;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_int32(env, argument, &fd);
  napi_get_uv_event_loop(env, &loop);
  struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = fd};
  const int backend = uv_backend_fd(loop);
  if (epoll_ctl(backend, EPOLL_CTL_DEL, fd, NULL) == -1 || epoll_ctl(backend, EPOLL_CTL_ADD, fd, &event) == -1) {
    napi_throw_error(env, NULL, strerror(errno));
  }
  return NULL;
}

NAPI_MODULE_INIT() {
  child_time =
      mmap(NULL, sizeof *child_time, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  napi_value function;
  napi_create_function(env, "bareClone", NAPI_AUTO_LENGTH, bare_clone, NULL, &function);
  napi_set_named_property(env, exports, "bareClone", function);
  napi_create_function(env, "watchExclusively", NAPI_AUTO_LENGTH, watch_exclusively, NULL, &function);
  napi_set_named_property(env, exports, "watchExclusively", function);
  return exports;
}
