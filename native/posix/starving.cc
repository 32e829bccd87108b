#include "posix/starving.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "posix/retry_on_eintr.h"

namespace prefork {

namespace {

// The third field of proc_pid_stat(5), behind a name that may contain anything; 0: unknown.
char state_of(pid_t pid) {
  char text[512];
  snprintf(text, sizeof(text), "/proc/%d/stat", pid);
  const int fd = open(text, O_RDONLY | O_CLOEXEC);
  if (fd == -1) return 0;
  const auto size = retry_on_eintr([&] { return read(fd, text, sizeof(text) - 1); });
  close(fd);
  if (size <= 0) return 0;
  text[size] = '\0';
  const char* end = strrchr(text, ')');
  return end == nullptr || end[1] == '\0' ? '\0' : end[2];
}

}  // namespace

uint64_t processor_time(pid_t pid) {
  clockid_t clock;
  timespec time;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

bool is_starving(pid_t pid, uint64_t before, uint64_t enough) {
  return processor_time(pid) - before < enough && state_of(pid) == 'R';
}

}  // namespace prefork
