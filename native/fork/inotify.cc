#include "fork/inotify.h"

#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>

#include "fork/procfs.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

struct Watch {
  int descriptor;
  uint32_t device;
  uint32_t mask;
  file_handle* handle;  // into `handles`
};

constexpr int kMaxWatches = 65536;
constexpr size_t kHandlesSize = 8 * 1024 * 1024;
Watch watches[kMaxWatches];
int watch_count;
alignas(file_handle) char handles[kHandlesSize];
size_t handles_used;

bool lost;

// --- what the old instance watches
//
// inotify wd:2 ino:1f sdev:fe00000 mask:fce ignored_mask:0 fhandle-bytes:8 fhandle-type:1
// f_handle:1f00…

const char* value_of(const char* line, const char* name) {
  const char* found = strstr(line, name);
  return found == nullptr ? nullptr : found + strlen(name);
}

uint8_t read_byte(const char* digits) {
  const char two[3] = {digits[0], digits[1], '\0'};
  const char* position = two;
  return static_cast<uint8_t>(read_hex(position));
}

file_handle* read_handle(const char* line) {
  const char* size = value_of(line, "fhandle-bytes:");
  const char* type = value_of(line, "fhandle-type:");
  const char* bytes = value_of(line, "f_handle:");
  if (size == nullptr || type == nullptr || bytes == nullptr) return nullptr;
  const auto count = static_cast<unsigned int>(read_hex(size));
  const size_t whole = (sizeof(file_handle) + count + 7) & ~size_t{7};
  if (handles_used + whole > kHandlesSize) return nullptr;
  auto* handle = reinterpret_cast<file_handle*>(handles + handles_used);
  handles_used += whole;
  handle->handle_bytes = count;
  handle->handle_type = static_cast<int>(read_hex(type));
  for (unsigned int i = 0; i < count; ++i) handle->f_handle[i] = read_byte(bytes + 2 * i);
  return handle;
}

// In the order of their descriptors: the new instance gives them out counting up.
void insert(const Watch& watch) {
  int place = watch_count++;
  for (; place > 0 && watches[place - 1].descriptor > watch.descriptor; --place) {
    watches[place] = watches[place - 1];
  }
  watches[place] = watch;
}

int list_watches(int fd) {
  watch_count = 0;
  handles_used = 0;
  Lines info(fdinfo_path(fd));
  while (const char* line = info.next()) {
    const char* descriptor = value_of(line, "inotify wd:");
    const char* device = value_of(line, "sdev:");
    const char* mask = value_of(line, " mask:");
    if (descriptor == nullptr || device == nullptr || mask == nullptr) continue;
    if (watch_count == kMaxWatches) return -E2BIG;
    insert({static_cast<int>(read_hex(descriptor)), static_cast<uint32_t>(read_hex(device)),
            static_cast<uint32_t>(read_hex(mask)), read_handle(line)});
  }
  return info.error();
}

// --- the same in the new one

// A descriptor of some directory on the file system with this device number (kernel encoding), for
// open_by_handle_at. -errno.
int open_file_system(uint32_t device) {
  const uint32_t major = device >> 20, minor = device & 0xfffff;
  Lines mounts("/proc/thread-self/mountinfo");
  while (const char* line = mounts.next()) {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime …
    const char* field = strchr(strchr(line, ' ') + 1, ' ') + 1;
    if (read_decimal(field) != major) continue;
    ++field;
    if (read_decimal(field) != minor) continue;
    char* mount_point = const_cast<char*>(strchr(field + 1, ' ') + 1);
    *strchr(mount_point, ' ') = '\0';
    const long fd = sys(SYS_openat, AT_FDCWD, mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) return static_cast<int>(fd);
  }
  return -ENODEV;
}

int open_watched(const Watch& watch) {
  if (watch.handle == nullptr) return -ENOTSUP;
  const int file_system = open_file_system(watch.device);
  if (file_system < 0) return file_system;
  const long fd = sys(SYS_open_by_handle_at, file_system, watch.handle, O_PATH | O_CLOEXEC);
  sys(SYS_close, file_system);
  return static_cast<int>(fd);
}

// Uses up the watch descriptors before `wanted`, which belonged to watches that are gone.
int count_up_to(int instance, int next, int wanted) {
  for (; next < wanted; ++next) {
    const int descriptor = inotify_add_watch(instance, "/proc/self/task", IN_DELETE_SELF);
    if (descriptor < 0) return -errno;
    inotify_rm_watch(instance, descriptor);
    char goodbye[64];  // IN_IGNORED
    sys(SYS_read, instance, goodbye, sizeof goodbye);
  }
  return wanted;
}

int watch_again(int instance, const Watch& watch) {
  const int fd = open_watched(watch);
  if (fd < 0) return fd;
  const int descriptor = inotify_add_watch(instance, fd_path(fd), watch.mask);
  const int result = descriptor < 0 ? -errno : descriptor;
  sys(SYS_close, fd);
  return result == watch.descriptor || result < 0 ? result : -EIO;
}

// A file that is gone needs no watch; anything else means that the watch is lost.
int watch_all_again(int instance) {
  int next = 1;
  for (int i = 0; i < watch_count; ++i) {
    next = count_up_to(instance, next, watches[i].descriptor);
    if (next < 0) return next;
    const int result = watch_again(instance, watches[i]);
    if (result == -ESTALE) continue;
    if (result < 0) return result;
    ++next;
  }
  return 0;
}

}  // namespace

int renew_inotify(int fd, int flags, int close_on_exec, bool watches) {
  const int listed = watches ? list_watches(fd) : 0;
  if (listed < 0) return listed;
  const int instance = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (instance < 0) return -errno;
  if (watches && watch_all_again(instance) < 0) lost = true;
  fcntl(instance, F_SETFL, flags);
  const long result = sys(SYS_dup3, instance, fd, close_on_exec);
  sys(SYS_close, instance);
  return result < 0 ? static_cast<int>(result) : 0;
}

bool inotify_watches_lost() { return lost; }

void forget_lost_watches() { lost = false; }

}  // namespace prefork
