#include "fork/epoll.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fork/procfs.h"
#include "posix/dead_socket.h"

namespace prefork {

namespace {

struct Member {
  int epoll;
  int fd;
  bool stale;
  epoll_event event;
};

constexpr int kMaxMembers = 262144;
Member members[kMaxMembers];
int member_count;

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

}  // namespace

void forget_members() { member_count = 0; }

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

int keep_members(bool (*kept)(int fd)) {
  for (Member* member = members; member < members + member_count; ++member) {
    if (member->stale || kept(member->fd)) continue;
    member->stale = true;
    struct stat status;
    if (member->fd <= STDERR_FILENO || fstat(member->fd, &status) < 0) continue;
    if (!S_ISSOCK(status.st_mode) && !S_ISFIFO(status.st_mode)) continue;
    const int result = put_dead_socket_in_place_of(member->fd);
    if (result < 0) return result;
  }
  return 0;
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

}  // namespace prefork
