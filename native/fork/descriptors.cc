#include "fork/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fork/cut_off.h"
#include "fork/descriptor.h"
#include "fork/epoll.h"
#include "fork/eventfd.h"
#include "fork/inotify.h"
#include "fork/new_sockets.h"
#include "fork/pipe.h"
#include "fork/procfs.h"
#include "fork/read_file.h"
#include "fork/rings.h"
#include "fork/timerfd.h"
#include "posix/shared_pipes.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

constexpr int kMaxDescriptors = 65536;
Descriptor descriptors[kMaxDescriptors];
int descriptor_count;

Descriptors all_descriptors() { return {descriptors, descriptors + descriptor_count}; }

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

// Whether two numbers stand for one open file description (man 2 kcmp). Where the kernel does not
// say, they are taken for two.
bool is_same_file(int a, int b) {
  const pid_t self = getpid();
  return sys(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

// Numbers that dup(2) made of one description must stay one: the first is renewed, the others
// follow.
void find_twins(bool threads_go_on) {
  for (int i = 0; i < descriptor_count; ++i) {
    descriptors[i].twin = i;
    const bool is_pipe =
        descriptors[i].kind == Kind::pipe || descriptors[i].kind == Kind::shared_pipe;
    if (is_pipe) continue;  // told apart by inode
    if (descriptors[i].kind == Kind::read_file && !threads_go_on) continue;
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

// --- which are the child's own

bool is_private(int fd) {
  for (const Descriptor& each : all_descriptors()) {
    if (each.fd != fd) continue;
    if (each.kind == Kind::pipe) return is_private_pipe(each, all_descriptors());
    return each.kind != Kind::shared_pipe && each.kind != Kind::read_file;
  }
  return false;
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
int renew_all(int inspector_port, bool threads_go_on, bool quiet) {
  forget_members();
  int result = for_each_of(Kind::epoll, list_members);
  if (result == 0 && quiet) result = keep_members(is_private);
  if (result == 0 && inspector_port != 0) result = cut_off_sockets(inspector_port);
  if (result == 0 && threads_go_on) result = for_each_of(Kind::read_file, renew_read_file);
  if (result == 0) result = for_each_of(Kind::eventfd, renew_eventfd);
  if (result == 0) result = for_each_of(Kind::timerfd, renew_timerfd);
  if (result == 0)
    result = for_each_of(Kind::pipe, [](const Descriptor& old) {
      return renew_pipe_if_private(old, all_descriptors());
    });
  if (result == 0)
    result = for_each_of(Kind::inotify, [quiet](const Descriptor& old) {
      return renew_inotify(old.fd, old.status_flags, old.close_on_exec, !quiet);
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
int survey_descriptors(int report, bool threads_go_on) {
  struct stat status;
  if (fstat(report, &status) < 0) return -errno;
  const ino_t report_inode = status.st_ino;
  const dev_t pipe_device = status.st_dev;
  descriptor_count = 0;
  look_for_new_sockets();
  return for_each_number("/proc/thread-self/fd", [&](int fd) {
    if (fstat(fd, &status) < 0) return 0;
    if (threads_go_on && S_ISSOCK(status.st_mode)) note_socket(fd, status.st_ino);
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

int renew_descriptors(int inspector_port, bool threads_go_on, bool quiet) {
  find_twins(threads_go_on);
  return renew_all(inspector_port, threads_go_on, quiet);
}

}  // namespace prefork
