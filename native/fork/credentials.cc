#include "fork/credentials.h"

#include <stdlib.h>
#include <sys/types.h>

#include "fork/critical.h"
#include "fork/threads.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

constexpr int kMaxGroups = 65536;  // NGROUPS_MAX

struct Ids {
  uint32_t real, effective, saved;
};

struct Credentials {
  Ids user;
  Ids group;
  long group_count;
  gid_t groups[kMaxGroups];
};

// Filled anew for each call, within its critical section.
Credentials wanted;

int read_own() {
  sys(SYS_getresuid, &wanted.user.real, &wanted.user.effective, &wanted.user.saved);
  sys(SYS_getresgid, &wanted.group.real, &wanted.group.effective, &wanted.group.saved);
  wanted.group_count = sys(SYS_getgroups, kMaxGroups, wanted.groups);
  return wanted.group_count < 0 ? static_cast<int>(wanted.group_count) : 0;
}

bool has_wanted(const Ids& user, const Ids& group) {
  return user.real == wanted.user.real && user.effective == wanted.user.effective &&
         user.saved == wanted.user.saved && group.real == wanted.group.real &&
         group.effective == wanted.group.effective && group.saved == wanted.group.saved;
}

// Groups before the user: afterwards there may be no right to change them.
void take_over() {
  sys(SYS_setgroups, wanted.group_count, wanted.groups);
  sys(SYS_setresgid, wanted.group.real, wanted.group.effective, wanted.group.saved);
  sys(SYS_setresuid, wanted.user.real, wanted.user.effective, wanted.user.saved);
  Ids user, group;
  sys(SYS_getresuid, &user.real, &user.effective, &user.saved);
  sys(SYS_getresgid, &group.real, &group.effective, &group.saved);
  if (!has_wanted(user, group)) abort();
}

}  // namespace

int share_credentials() {
  constexpr int kMilliseconds = 5000;
  CriticalSection section;
  const int result = read_own();
  return result < 0 ? result : run_in_other_threads(take_over, kMilliseconds);
}

}  // namespace prefork
