// Memory marked MADV_DONTFORK, as V8's: every child has it, and parent and child have the marks
// where they were, and on nothing that has come to a marked one's place.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "check.h"
#include "fork/fork.h"

namespace {

constexpr size_t kSize = 256 << 10;
constexpr size_t kApart = 1 << 20;

// Addresses far apart, as V8's are, at which nothing is mapped.
char* places;

char* place(int number) { return places + static_cast<size_t>(number) * kApart; }

void find_places() {
  constexpr size_t kAll = 16 * kApart;
  void* start = mmap(nullptr, kAll, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(start != MAP_FAILED);
  CHECK(munmap(start, kAll) == 0);
  places = static_cast<char*>(start);
}

void map(char* at, const char* text, int flags = MAP_PRIVATE, int access = PROT_READ | PROT_WRITE,
         size_t size = kSize) {
  flags |= MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  CHECK(mmap(at, size, access, flags, -1, 0) == at);
  if (access == PROT_NONE) return;
  reinterpret_cast<char**>(at)[1] = at;  // as V8 begins its pages
  strcpy(at + kSize / 4, text);
}

void mark(char* at) { CHECK(madvise(at, kSize, MADV_DONTFORK) == 0); }

bool reads(const char* at, const char* text) { return strcmp(at + kSize / 4, text) == 0; }

// Whether the kernel says "dc" of the mapping that begins there.
bool is_marked(const char* at) {
  FILE* smaps = fopen("/proc/self/smaps", "re");
  CHECK(smaps != nullptr);
  char line[4096];
  bool here = false, marked = false, found = false;
  while (fgets(line, sizeof line, smaps) != nullptr) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
      here = start == reinterpret_cast<uintptr_t>(at);
      found = found || here;
    }
    if (here && strncmp(line, "VmFlags:", 8) == 0) marked = strstr(line, " dc") != nullptr;
  }
  fclose(smaps);
  CHECK(found);
  return marked;
}

// Forks; what `check` looks at must hold in the child, and then in the parent.
void expect_after_fork(void (*check)()) {
  const int pid = prefork::fork_process({0, true});
  CHECK(pid >= 0);
  alarm(60);
  check();
  if (pid == 0) _exit(0);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

// What V8 puts right behind the heap has the heap's name before Linux 6.6. Memory of the heap
// itself has it everywhere.
char* heap;

#if defined(__GLIBC__)
void map_in_heap() {
  heap = static_cast<char*>(sbrk(0));
  const auto misaligned = reinterpret_cast<uintptr_t>(heap) % kSize;
  CHECK(sbrk(static_cast<intptr_t>(2 * kSize - misaligned)) != reinterpret_cast<void*>(-1));
  heap += kSize - misaligned;
  strcpy(heap + kSize / 4, "in the heap");
  mark(heap);
}

void see_heap() {
  CHECK(reads(heap, "in the heap") && is_marked(heap));
  char* before = static_cast<char*>(sbrk(0));
  CHECK(sbrk(kSize) == before);  // it still grows
  strcpy(before, "more");
}
#else  // musl keeps the heap for itself: its sbrk only tells where the end is
void map_in_heap() { heap = static_cast<char*>(sbrk(0)); }
void see_heap() { CHECK(sbrk(0) == heap); }
#endif

enum { kFirst, kShared, kSecond, kUnmarked, kThird, kInaccessible, kNew, kGuarded };

// What lies between two marked ones and cannot be V8's keeps the mark that somebody has put on it,
// and no child has it.
void expect_shared_left_alone() {
  mark(place(kShared));
  const int pid = prefork::fork_process({0, true});
  CHECK(pid >= 0);
  unsigned char resident;
  if (pid == 0) _exit(mincore(place(kShared), 1, &resident) == -1 && errno == ENOMEM ? 0 : 1);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  CHECK(is_marked(place(kShared)));
  CHECK(madvise(place(kShared), kSize, MADV_DOFORK) == 0);
}

void map_all() {
  for (const int number : {kFirst, kSecond, kThird}) {
    map(place(number), "marked");
    mark(place(number));
  }
  map(place(kShared), "shared", MAP_SHARED);
  map(place(kUnmarked), "unmarked");
  map(place(kInaccessible), "", MAP_PRIVATE, PROT_NONE);
  mark(place(kInaccessible));
}

void see_all() {
  for (const int number : {kFirst, kSecond, kThird}) {
    CHECK(reads(place(number), "marked"));
    CHECK(is_marked(place(number)));
  }
  CHECK(reads(place(kShared), "shared") && !is_marked(place(kShared)));
  CHECK(reads(place(kUnmarked), "unmarked") && !is_marked(place(kUnmarked)));
  CHECK(is_marked(place(kInaccessible)));
}

// By memory of the same size that is not marked and begins with another pointer, or none.
void replace(int number, char* pointer) {
  CHECK(munmap(place(number), kSize) == 0);
  map(place(number), "replaced");
  reinterpret_cast<char**>(place(number))[1] = pointer;
}

void see_second_replaced() {
  CHECK(reads(place(kSecond), "replaced") && !is_marked(place(kSecond)));
  CHECK(is_marked(place(kFirst)) && is_marked(place(kThird)));
}

void see_third_replaced() { CHECK(reads(place(kThird), "replaced") && !is_marked(place(kThird))); }

void see_new_replaced() { CHECK(reads(place(kNew), "replaced") && !is_marked(place(kNew))); }

void see_first_replaced() { CHECK(reads(place(kFirst), "larger") && !is_marked(place(kFirst))); }

void see_new() { CHECK(reads(place(kNew), "new") && is_marked(place(kNew))); }

void see_first_halved() { CHECK(reads(place(kFirst), "marked") && is_marked(place(kFirst))); }

void see_unmarked_replaced() { CHECK(reads(place(kUnmarked), "now marked")); }

// Whose first page cannot be read, though the mapping can. (Linux 6.13)
void map_guarded() {
  constexpr int kGuardInstall = 102;
  map(place(kGuarded), "guarded");
  mark(place(kGuarded));
  madvise(place(kGuarded), 4096, kGuardInstall);
}

void see_guarded() { CHECK(reads(place(kGuarded), "guarded") && is_marked(place(kGuarded))); }

// A fault's signal that another process sends is still delivered, once.
volatile sig_atomic_t heard;

void expect_sent_signal_heard() {
  sigset_t faults;
  sigemptyset(&faults);
  sigaddset(&faults, SIGSEGV);
  CHECK(sigprocmask(SIG_BLOCK, &faults, nullptr) == 0);
  CHECK(signal(SIGSEGV, [](int) { heard = heard + 1; }) != SIG_ERR);
  CHECK(raise(SIGSEGV) == 0);
  expect_after_fork([] {});
  CHECK(heard == 0);
  CHECK(sigprocmask(SIG_UNBLOCK, &faults, nullptr) == 0);
  CHECK(heard == 1);
  signal(SIGSEGV, SIG_DFL);
}

void say(const char* what) { dprintf(1, "%s\n", what); }

void try_all() {
  for (int i = 0; i < 3; ++i) expect_after_fork(see_all);
  say("kept");

  expect_shared_left_alone();
  say("left alone");

  map(place(kNew), "new");
  reinterpret_cast<char**>(place(kNew))[1] = nullptr;
  mark(place(kNew));
  for (int i = 0; i < 2; ++i) expect_after_fork(see_new);
  say("new");

  CHECK(munmap(place(kFirst) + kSize / 2, kSize / 2) == 0);
  for (int i = 0; i < 2; ++i) expect_after_fork(see_first_halved);
  say("halved");

  map_guarded();
  for (int i = 0; i < 2; ++i) expect_after_fork(see_guarded);
  expect_sent_signal_heard();
  say("guarded");

  map_in_heap();
  for (int i = 0; i < 3; ++i) expect_after_fork(see_heap);
  say("in the heap");

  replace(kSecond, place(kThird));
  for (int i = 0; i < 2; ++i) expect_after_fork(see_second_replaced);
  replace(kThird, nullptr);
  for (int i = 0; i < 2; ++i) expect_after_fork(see_third_replaced);
  replace(kNew, nullptr);
  for (int i = 0; i < 2; ++i) expect_after_fork(see_new_replaced);
  CHECK(munmap(place(kFirst), kSize / 2) == 0);
  map(place(kFirst), "larger", MAP_PRIVATE, PROT_READ | PROT_WRITE, 2 * kSize);
  for (int i = 0; i < 2; ++i) expect_after_fork(see_first_replaced);
  say("replaced");

  CHECK(munmap(place(kUnmarked), kSize) == 0);
  map(place(kUnmarked), "now marked");
  mark(place(kUnmarked));
  for (int i = 0; i < 2; ++i) expect_after_fork(see_unmarked_replaced);
  say("marked later");
}

}  // namespace

int main() {
  CHECK(prefork::prepare_fork() == 0);
  find_places();
  map_all();
  try_all();
}
