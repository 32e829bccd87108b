// What a thread has written into an io_uring and not published yet, and what it has taken from it
// and not read yet, is in the child's ring, and in its child's. Prints `ok` once for each
// generation.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fork/fork.h"

namespace {

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425
#define SYS_io_uring_enter 426
#endif

// linux/io_uring.h, which older systems lack.
struct Offsets {
  uint32_t head, tail, mask, entries, more[4];
  uint64_t user_memory;
};
struct Parameters {
  uint32_t sq_entries, cq_entries, rest[8];
  Offsets sq, cq;
};
constexpr uint32_t kGetEvents = 1;
constexpr int kGenerations = 3;
constexpr uint32_t kSize = 4;

int fd;
char* ring;
char* entries;
Parameters layout;

uint32_t& counter(uint32_t offset) { return *reinterpret_cast<uint32_t*>(ring + offset); }

// As libuv does it (src/unix/linux.c, uv__iou_init).
void set_up() {
  fd = static_cast<int>(syscall(SYS_io_uring_setup, kSize, &layout));
  CHECK(fd >= 0);
  const size_t size = layout.cq.more[1] + layout.cq_entries * 16;
  const size_t array = layout.sq.more[2] + layout.sq_entries * 4;
  ring = static_cast<char*>(mmap(nullptr, size > array ? size : array, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_POPULATE, fd, 0));
  entries = static_cast<char*>(mmap(nullptr, layout.sq_entries * 64, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_POPULATE, fd, 0x10000000));
  CHECK(ring != MAP_FAILED && entries != MAP_FAILED);
  for (uint32_t i = 0; i < layout.sq_entries; ++i) counter(layout.sq.more[2] + 4 * i) = i;
}

// An operation that does nothing but hand its name on.
void fill_next_entry(uint64_t name) {
  char* entry = entries + 64 * (counter(layout.sq.tail) % layout.sq_entries);
  memset(entry, 0, 64);
  memcpy(entry + 32, &name, sizeof name);
}

void publish_and_submit() {
  __atomic_fetch_add(&counter(layout.sq.tail), 1, __ATOMIC_RELEASE);
  CHECK(syscall(SYS_io_uring_enter, fd, 1, 1, kGetEvents, nullptr, 0) == 1);
}

// The slot of the completion, to be read later.
uint32_t take_completion() { return counter(layout.cq.head)++ % layout.cq_entries; }

uint64_t name_in(uint32_t slot) {
  uint64_t name;
  memcpy(&name, ring + layout.cq.more[1] + 16 * slot, sizeof name);
  return name;
}

// With one operation taken and another one filled in.
int live(int generation, uint32_t taken, uint64_t name) {
  CHECK(name_in(taken) == name);
  publish_and_submit();
  CHECK(name_in(take_completion()) == name + 1);
  puts("ok");
  fflush(stdout);
  if (generation == kGenerations) return 0;
  fill_next_entry(name + 2);
  publish_and_submit();
  taken = take_completion();
  fill_next_entry(name + 3);
  const int pid = prefork::fork_process({0, true});
  CHECK(pid >= 0);
  if (pid == 0) return live(generation + 1, taken, name + 2);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  return status == 0 ? live(kGenerations, taken, name + 2) : 1;  // for the parent nothing changed
}

}  // namespace

int main() {
  CHECK(prefork::prepare_fork() == 0);
  set_up();
  fill_next_entry(100);
  publish_and_submit();
  const uint32_t taken = take_completion();
  fill_next_entry(101);
  _exit(live(0, taken, 100));
}
