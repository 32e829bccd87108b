#include "posix/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

namespace prefork {

namespace {

constexpr int kStandardDescriptors = 3;

struct DescriptorState {
  int of_descriptor;  // FD_CLOEXEC
  int of_file;        // O_NONBLOCK and so on, shared by all who have the file open
};

// libuv makes the terminals it opens close-on-exec (src/unix/tty.c, uv_tty_init), and every stream
// non-blocking (src/unix/stream.c, uv__stream_open). The next program expects neither.
DescriptorState make_plain(int fd) {
  const DescriptorState before = {fcntl(fd, F_GETFD), fcntl(fd, F_GETFL)};
  if (before.of_descriptor == -1 || before.of_file == -1) return {-1, -1};
  if ((before.of_descriptor & FD_CLOEXEC) != 0)
    fcntl(fd, F_SETFD, before.of_descriptor & ~FD_CLOEXEC);
  if ((before.of_file & O_NONBLOCK) != 0) fcntl(fd, F_SETFL, before.of_file & ~O_NONBLOCK);
  return before;
}

void put_back(int fd, const DescriptorState& before) {
  if (before.of_descriptor == -1) return;
  if ((before.of_file & O_NONBLOCK) != 0) fcntl(fd, F_SETFL, before.of_file);
  if ((before.of_descriptor & FD_CLOEXEC) != 0) fcntl(fd, F_SETFD, before.of_descriptor);
}

}  // namespace

int execute(const char* path, char* const* arguments, char* const* environment) {
  DescriptorState before[kStandardDescriptors];
  for (int fd = 0; fd < kStandardDescriptors; fd++) before[fd] = make_plain(fd);

  execve(path, arguments, environment == nullptr ? environ : environment);
  const int error = -errno;

  for (int fd = kStandardDescriptors; fd-- > 0;) put_back(fd, before[fd]);
  return error;
}

}  // namespace prefork
