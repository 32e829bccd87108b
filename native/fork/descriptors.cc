#include "fork/descriptors.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include "fork/cut_off.h"
#include "fork/inotify.h"
#include "fork/procfs.h"
#include "fork/rings.h"
#include "posix/shared_pipes.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

enum class Kind : uint8_t {
  other,
  epoll,
  eventfd,
  timerfd,
  inotify,
  io_uring,
  pipe,
  shared_pipe,
  read_file
};

struct Descriptor {
  int fd;
  Kind kind;
  int twin;           // index of the first descriptor of the same open file description
  int status_flags;   // fcntl(F_GETFL)
  int close_on_exec;  // O_CLOEXEC or 0
  ino_t inode;
};

constexpr int kMaxDescriptors = 65536;
Descriptor descriptors[kMaxDescriptors];
int descriptor_count;

struct Member {
  int epoll;
  int fd;
  bool stale;
  epoll_event event;
};

constexpr int kMaxMembers = 262144;
Member members[kMaxMembers];
int member_count;

// --- which there are

Kind kind_of_anonymous(int fd) {
  char link[64];
  const long length = sys(SYS_readlinkat, AT_FDCWD, fd_path(fd), link, sizeof link - 1);
  if (length < 0) return Kind::other;
  link[length] = '\0';
  const char* name = after(link, "anon_inode:");
  if (name == nullptr) return Kind::other;
  if (strcmp(name, "[eventpoll]") == 0) return Kind::epoll;
  if (strcmp(name, "[eventfd]") == 0) return Kind::eventfd;
  if (strcmp(name, "[timerfd]") == 0) return Kind::timerfd;
  if (strcmp(name, "inotify") == 0) return Kind::inotify;
  if (strcmp(name, "[io_uring]") == 0) return Kind::io_uring;
  return Kind::other;
}

// A file or directory that can only be read. Not the standard streams, which are for passing on.
bool is_read_file(int fd, const struct stat& status) {
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return false;
  return fd > STDERR_FILENO && (fcntl(fd, F_GETFL) & (O_ACCMODE | O_PATH)) == O_RDONLY;
}

// Anonymous inodes have no file type, which spares everything else the readlink.
Kind kind_of(int fd, const struct stat& status, dev_t pipe_device) {
  if (is_read_file(fd, status)) return Kind::read_file;
  if (S_ISFIFO(status.st_mode)) return status.st_dev == pipe_device ? Kind::pipe : Kind::other;
  return (status.st_mode & S_IFMT) == 0 ? kind_of_anonymous(fd) : Kind::other;
}

// --- putting a new one in the place of an old one

int dup3_to(int from, const Descriptor& to) {
  const long result = sys(SYS_dup3, from, to.fd, to.close_on_exec);
  return result < 0 ? static_cast<int>(result) : 0;
}

int move_to(int from, const Descriptor& to) {
  const int result = dup3_to(from, to);
  sys(SYS_close, from);
  return result;
}

// Whether two numbers stand for one open file description (man 2 kcmp). Where the kernel does not
// say, they are taken for two.
bool is_same_file(int a, int b) {
  const pid_t self = getpid();
  return sys(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

// Numbers that dup(2) made of one description must stay one: the first is renewed, the others
// follow.
void find_twins(bool read_files) {
  for (int i = 0; i < descriptor_count; ++i) {
    descriptors[i].twin = i;
    const bool is_pipe =
        descriptors[i].kind == Kind::pipe || descriptors[i].kind == Kind::shared_pipe;
    if (is_pipe) continue;  // told apart by inode
    if (descriptors[i].kind == Kind::read_file && !read_files) continue;
    for (int j = 0; j < i; ++j) {
      if (descriptors[j].kind != descriptors[i].kind || descriptors[j].twin != j) continue;
      if (descriptors[j].inode != descriptors[i].inode) continue;
      if (is_same_file(descriptors[j].fd, descriptors[i].fd)) descriptors[i].twin = j;
    }
  }
}

int renew_twins() {
  for (int i = 0; i < descriptor_count; ++i) {
    if (descriptors[i].twin == i) continue;
    const int result = dup3_to(descriptors[descriptors[i].twin].fd, descriptors[i]);
    if (result < 0) return result;
  }
  return 0;
}

// --- a file that is being read: where in it

bool holds_lock(int fd) {
  Lines info(fdinfo_path(fd));
  while (const char* line = info.next()) {
    if (after(line, "lock:") != nullptr) return true;
  }
  return false;
}

// Another thread may be in the middle of it, in parent and child: of one position in the file each
// of the two would get a part. Seen as a module that a worker thread found empty, while another one
// forked. What may not be opened again (it was opened as another user) stays shared, as all files
// that can be written do; so does a file that is locked, because the lock is the child's as well.
int renew_read_file(const Descriptor& old) {
  if (holds_lock(old.fd)) return 0;
  const int flags = old.status_flags & (O_NONBLOCK | O_NOATIME | O_DIRECT | O_DIRECTORY);
  const long fresh =
      sys(SYS_openat, AT_FDCWD, fd_path(old.fd), O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
  if (fresh == -EMFILE || fresh == -ENFILE || fresh == -ENOMEM) return static_cast<int>(fresh);
  if (fresh < 0) return 0;
  lseek(static_cast<int>(fresh), lseek(old.fd, 0, SEEK_CUR), SEEK_SET);
  return move_to(static_cast<int>(fresh), old);
}

// --- eventfd: a counter

// Whether a read takes one of many or all at once, which the kernel shows since Linux 6.5 only. On
// older ones it is tried, and what was there is there again afterwards: the parent, which still
// shares this eventfd, is stopped.
bool is_semaphore(int fd, uint64_t count) {
  uint64_t added = count < 2 ? 2 : 0;
  if (added > 0 && sys(SYS_write, fd, &added, sizeof added) < 0) return false;
  uint64_t taken = 0;
  if (sys(SYS_read, fd, &taken, sizeof taken) < 0) return false;
  if (taken != 1) {  // all of it
    if (count > 0) sys(SYS_write, fd, &count, sizeof count);
    return false;
  }
  for (uint64_t surplus = added; surplus > 1; --surplus) sys(SYS_read, fd, &taken, sizeof taken);
  if (added == 0) sys(SYS_write, fd, &taken, sizeof taken);
  return true;
}

int renew_eventfd(const Descriptor& old) {
  uint64_t count = 0;
  uint64_t semaphore = 2;  // not said
  Lines info(fdinfo_path(old.fd));
  while (const char* line = info.next()) {
    if (const char* value = after(line, "eventfd-count:")) count = read_hex(value);
    if (const char* value = after(line, "eventfd-semaphore:")) semaphore = read_decimal(value);
  }
  if (info.error() < 0) return info.error();
  if (semaphore == 2) semaphore = is_semaphore(old.fd, count) ? 1 : 0;
  const int flags = (old.status_flags & O_NONBLOCK) | (semaphore != 0 ? EFD_SEMAPHORE : 0);
  const int fresh = eventfd(0, flags);
  if (fresh < 0) return -errno;
  if (count > 0) sys(SYS_write, fresh, &count, sizeof count);
  return move_to(fresh, old);
}

// --- timerfd: a clock and when it rings

int renew_timerfd(const Descriptor& old) {
  int clock = CLOCK_MONOTONIC;
  uint64_t ticks = 0;
  Lines info(fdinfo_path(old.fd));
  while (const char* line = info.next()) {
    if (const char* value = after(line, "clockid:")) clock = static_cast<int>(read_decimal(value));
    if (const char* value = after(line, "ticks:")) ticks = read_decimal(value);
  }
  if (info.error() < 0) return info.error();
  itimerspec left;
  if (timerfd_gettime(old.fd, &left) < 0) return -errno;
  if (ticks > 0) left.it_value = {0, 1};  // it has rung and nobody has looked: let it ring at once
  const int fresh = timerfd_create(clock, old.status_flags & O_NONBLOCK);
  if (fresh < 0) return -errno;
  timerfd_settime(fresh, 0, &left, nullptr);
  return move_to(fresh, old);
}

// --- pipe: both ends are here, so the bytes in it are this process's own

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

int put_in_place(const int ends[2], ino_t inode) {
  for (int i = 0; i < descriptor_count; ++i) {
    const Descriptor& old = descriptors[i];
    if (old.kind != Kind::pipe || old.inode != inode) continue;
    const int end = reads(old) ? ends[0] : ends[1];
    fcntl(end, F_SETFL, old.status_flags);
    const int result = dup3_to(end, old);
    if (result < 0) return result;
  }
  return 0;
}

int renew_pipe(const Descriptor& reader) {
  int ends[2] = {-1, -1};
  int result = make_copy(reader.fd, ends);
  if (result == 0) result = put_in_place(ends, reader.inode);
  if (ends[0] >= 0) sys(SYS_close, ends[0]);
  if (ends[1] >= 0) sys(SYS_close, ends[1]);
  return result;
}

bool has_a_writer_here(const Descriptor& reader) {
  for (int i = 0; i < descriptor_count; ++i) {
    const Descriptor& other = descriptors[i];
    if (other.kind == Kind::pipe && other.inode == reader.inode && !reads(other)) return true;
  }
  return false;
}

bool is_first_reader(const Descriptor& reader) {
  for (const Descriptor* other = descriptors; other < &reader; ++other) {
    if (other->kind == Kind::pipe && other->inode == reader.inode && reads(*other)) return false;
  }
  return true;
}

int renew_pipe_if_private(const Descriptor& end) {
  const bool is_private = reads(end) && is_first_reader(end) && has_a_writer_here(end);
  return is_private ? renew_pipe(end) : 0;
}

// --- epoll: a set of members, which must be read before they are replaced, and added after

// Whether a number still stands for what was added under it: a member that was closed while a
// duplicate of it lives on elsewhere stays in the set, and its number may mean something else by
// now, even another member. Exact by kcmp(2); the nth of a number is asked for. Where the kernel
// does not say: by inode, which all eventfds share.
//
// kcmp(2) has the kernel walk over the whole set. A socket has one description, which cannot be
// opened anew, and so is known by its inode.
bool is_still(const Member& member, uint32_t nth, ino_t inode) {
  struct stat status;
  const bool has_inode = fstat(member.fd, &status) == 0 && status.st_ino == inode;
  if (nth == 0 && has_inode && S_ISSOCK(status.st_mode)) return true;
  const pid_t self = getpid();
  const kcmp_epoll_slot slot = {static_cast<uint32_t>(member.epoll),
                                static_cast<uint32_t>(member.fd), nth};
  const long order = sys(SYS_kcmp, self, self, KCMP_EPOLL_TFD, member.fd, &slot);
  return order >= 0 || order == -EBADF ? order == 0 : has_inode;
}

bool is_stale(const Member& member, ino_t inode) {
  if (is_still(member, 0, inode)) return false;
  uint32_t nth = 0;
  for (const Member* other = members; other < &member; ++other) {
    if (other->epoll == member.epoll && other->fd == member.fd) ++nth;
  }
  return nth == 0 || !is_still(member, nth, inode);
}

// tfd:        8 events:       19 data:                8  pos:0 ino:9 sdev:e
int list_members(const Descriptor& epoll) {
  Lines info(fdinfo_path(epoll.fd));
  while (const char* line = info.next()) {
    const char* text = after(line, "tfd:");
    if (text == nullptr) continue;
    if (member_count == kMaxMembers) return -E2BIG;
    Member& member = members[member_count];
    member.epoll = epoll.fd;
    member.fd = static_cast<int>(read_decimal(text));
    text = after(text, " events:");
    member.event.events = static_cast<uint32_t>(read_hex(text));
    text = after(text, " data:");
    member.event.data.u64 = read_hex(text);
    const char* inode = strstr(text, "ino:");
    if (inode != nullptr) inode += 4;
    member.stale = is_stale(member, inode == nullptr ? 0 : read_hex(inode));
    ++member_count;
  }
  return info.error();
}

int renew_epoll(const Descriptor& old) {
  const int fresh = epoll_create1(0);
  return fresh < 0 ? -errno : move_to(fresh, old);
}

int add_members() {
  for (Member* member = members; member < members + member_count; ++member) {
    if (member->stale) continue;
    const int result = epoll_ctl(member->epoll, EPOLL_CTL_ADD, member->fd, &member->event);
    if (result < 0 && errno != EEXIST) return -errno;  // EEXIST: a stale one behind the true one
  }
  return 0;
}

// --- all of them

template <typename Visit>
int for_each_of(Kind kind, Visit visit) {
  for (int i = 0; i < descriptor_count; ++i) {
    if (descriptors[i].kind != kind || descriptors[i].twin != i) continue;
    const int result = visit(descriptors[i]);
    if (result != 0) return result;
  }
  return 0;
}

// The order matters in two places: members of an epoll are listed while they are still the old
// ones, and added when they are all new. So are sockets that are cut off: who watches one hears
// that it is dead. (Node's inspector waits for that before it closes.)
int renew_all(int inspector_port, bool read_files) {
  member_count = 0;
  int result = for_each_of(Kind::epoll, list_members);
  if (result == 0 && inspector_port != 0) result = cut_off_sockets(inspector_port);
  if (result == 0 && read_files) result = for_each_of(Kind::read_file, renew_read_file);
  if (result == 0) result = for_each_of(Kind::eventfd, renew_eventfd);
  if (result == 0) result = for_each_of(Kind::timerfd, renew_timerfd);
  if (result == 0) result = for_each_of(Kind::pipe, renew_pipe_if_private);
  if (result == 0)
    result = for_each_of(Kind::inotify, [](const Descriptor& old) {
      return renew_inotify(old.fd, old.status_flags, old.close_on_exec);
    });
  if (result == 0)
    result = for_each_of(Kind::io_uring, [](const Descriptor& old) { return renew_ring(old.fd); });
  forget_closed_rings();
  if (result == 0) result = for_each_of(Kind::epoll, renew_epoll);
  if (result == 0) result = renew_twins();
  if (result == 0) result = add_members();
  return result;
}

}  // namespace

// The descriptor that the listing itself is read from appears in it too. It is a directory, and no
// longer open when its turn comes.
int survey_descriptors(int report) {
  struct stat status;
  if (fstat(report, &status) < 0) return -errno;
  const ino_t report_inode = status.st_ino;
  const dev_t pipe_device = status.st_dev;
  descriptor_count = 0;
  return for_each_number("/proc/thread-self/fd", [&](int fd) {
    if (fstat(fd, &status) < 0) return 0;
    Kind kind = kind_of(fd, status, pipe_device);
    if (kind == Kind::other) return 0;
    const bool shared =
        kind == Kind::pipe && (status.st_ino == report_inode || is_shared_pipe(status.st_ino));
    if (shared) kind = Kind::shared_pipe;
    if (descriptor_count == kMaxDescriptors) return -EMFILE;
    const int close_on_exec = (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0;
    descriptors[descriptor_count++] = {fd,           kind, 0, fcntl(fd, F_GETFL), close_on_exec,
                                       status.st_ino};
    return 0;
  });
}

int rings_are_at_rest() {
  for (int i = 0; i < descriptor_count; ++i) {
    if (descriptors[i].kind != Kind::io_uring) continue;
    const int result = ring_is_at_rest(descriptors[i].fd, descriptors[i].inode);
    if (result != 1) return result;
  }
  return 1;
}

void forget_closed_pipes() {
  keep_shared_pipes(
      [](ino_t inode, void*) {
        for (int i = 0; i < descriptor_count; ++i) {
          if (descriptors[i].kind == Kind::shared_pipe && descriptors[i].inode == inode)
            return true;
        }
        return false;
      },
      nullptr);
}

int renew_descriptors(int inspector_port, bool read_files) {
  find_twins(read_files);
  return renew_all(inspector_port, read_files);
}

}  // namespace prefork
