#include "fork/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace prefork {

namespace {

// tee(2) copies without consuming: the bytes must arrive as they are, libuv's signal messages hold
// pointers.
int copy_unread(int from, int to) {
  int unread = 0;
  if (ioctl(from, FIONREAD, &unread) < 0) return -errno;
  if (unread == 0) return 0;
  const long copied = sys(SYS_tee, from, to, unread, SPLICE_F_NONBLOCK);
  if (copied < 0) return static_cast<int>(copied);
  return copied == unread ? 0 : -EIO;
}

int make_copy(int reader, int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  const int capacity = fcntl(reader, F_GETPIPE_SZ);
  if (capacity != fcntl(ends[1], F_GETPIPE_SZ)) fcntl(ends[1], F_SETPIPE_SZ, capacity);
  return copy_unread(reader, ends[1]);
}

bool reads(const Descriptor& end) { return (end.status_flags & O_ACCMODE) == O_RDONLY; }

int put_in_place(const int ends[2], ino_t inode, const Descriptors& all) {
  for (const Descriptor& old : all) {
    if (old.kind != Kind::pipe || old.inode != inode) continue;
    const int end = reads(old) ? ends[0] : ends[1];
    fcntl(end, F_SETFL, old.status_flags);
    const int result = dup3_to(end, old);
    if (result < 0) return result;
  }
  return 0;
}

int renew_pipe(const Descriptor& reader, const Descriptors& all) {
  int ends[2] = {-1, -1};
  int result = make_copy(reader.fd, ends);
  if (result == 0) result = put_in_place(ends, reader.inode, all);
  if (ends[0] >= 0) sys(SYS_close, ends[0]);
  if (ends[1] >= 0) sys(SYS_close, ends[1]);
  return result;
}

bool has_a_writer_here(const Descriptor& reader, const Descriptors& all) {
  for (const Descriptor& other : all) {
    if (other.kind == Kind::pipe && other.inode == reader.inode && !reads(other)) return true;
  }
  return false;
}

bool is_first_reader(const Descriptor& reader, const Descriptors& all) {
  for (const Descriptor* other = all.first; other < &reader; ++other) {
    if (other->kind == Kind::pipe && other->inode == reader.inode && reads(*other)) return false;
  }
  return true;
}

}  // namespace

bool is_private_pipe(const Descriptor& end, const Descriptors& all) {
  for (const Descriptor& other : all) {
    if (other.kind != Kind::pipe || other.inode != end.inode) continue;
    if (reads(other) != reads(end)) return true;
  }
  return false;
}

int renew_pipe_if_private(const Descriptor& end, const Descriptors& all) {
  const bool is_private = reads(end) && is_first_reader(end, all) && has_a_writer_here(end, all);
  return is_private ? renew_pipe(end, all) : 0;
}

}  // namespace prefork
