#include "fork/procfs.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "posix/retry_on_eintr.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

// Linux's struct linux_dirent64 (man 2 getdents64); the C library declares it under another name.
struct DirectoryEntry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

alignas(DirectoryEntry) char entries[64 * 1024];
size_t entries_position;
size_t entries_end;

char text[64 * 1024];

const char* build_path(const char* before, int number, const char* behind) {
  static char path[64];
  char digits[12];
  char* digit = digits + sizeof digits;
  *--digit = '\0';
  do {
    *--digit = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  stpcpy(stpcpy(stpcpy(path, before), digit), behind);
  return path;
}

}  // namespace

namespace detail {

int open_directory(const char* path) {
  entries_position = entries_end = 0;
  return static_cast<int>(sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

const char* next_entry(int directory, int* error) {
  if (entries_position == entries_end) {
    const long size = sys(SYS_getdents64, directory, entries, sizeof entries);
    *error = size < 0 ? static_cast<int>(size) : 0;
    if (size <= 0) return nullptr;
    entries_position = 0;
    entries_end = static_cast<size_t>(size);
  }
  auto* entry = reinterpret_cast<DirectoryEntry*>(entries + entries_position);
  entries_position += entry->length;
  return entry->name;
}

void close_directory(int directory) { sys(SYS_close, directory); }

int number_of(const char* name) {
  if (*name < '0' || *name > '9') return -1;
  return static_cast<int>(read_decimal(name));
}

}  // namespace detail

bool proc_is_of_our_namespace() {
  char link[16];
  const long length = sys(SYS_readlinkat, AT_FDCWD, "/proc/self", link, sizeof link - 1);
  if (length < 0) return false;
  link[length] = '\0';
  return detail::number_of(link) == getpid();
}

long count_links(const char* directory) {
  struct stat status;
  return stat(directory, &status) < 0 ? -errno : static_cast<long>(status.st_nlink);
}

Lines::Lines(const char* path)
    : file_(static_cast<int>(sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC))) {
  if (file_ < 0) error_ = file_;
}

Lines::~Lines() {
  if (file_ >= 0) sys(SYS_close, file_);
}

const char* Lines::next() {
  if (error_ < 0) return nullptr;
  for (;;) {
    char* begin = text + start_;
    if (void* newline = memchr(begin, '\n', end_ - start_)) {
      *static_cast<char*>(newline) = '\0';
      start_ = static_cast<size_t>(static_cast<char*>(newline) + 1 - text);
      return begin;
    }
    memmove(text, begin, end_ - start_);
    end_ -= start_;
    start_ = 0;
    if (end_ == sizeof text) return nullptr;  // no line of /proc is that long
    const long size = sys_retry_on_eintr(SYS_read, file_, text + end_, sizeof text - end_);
    if (size < 0) error_ = static_cast<int>(size);
    if (size <= 0) return nullptr;
    end_ += static_cast<size_t>(size);
  }
}

uint64_t read_hex(const char*& position) {
  uint64_t value = 0;
  for (;; ++position) {
    const char c = *position;
    if (c >= '0' && c <= '9') {
      value = value * 16 + static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value * 16 + static_cast<uint64_t>(c - 'a' + 10);
    } else {
      return value;
    }
  }
}

uint64_t read_decimal(const char*& position) {
  uint64_t value = 0;
  for (; *position >= '0' && *position <= '9'; ++position) {
    value = value * 10 + static_cast<uint64_t>(*position - '0');
  }
  return value;
}

const char* after(const char* line, const char* label) {
  const size_t length = strlen(label);
  if (strncmp(line, label, length) != 0) return nullptr;
  line += length;
  while (*line == ' ' || *line == '\t') ++line;
  return line;
}

const char* fd_path(int fd) { return build_path("/proc/thread-self/fd/", fd, ""); }

const char* fdinfo_path(int fd) { return build_path("/proc/thread-self/fdinfo/", fd, ""); }

const char* thread_path(int tid, const char* file) {
  const char* path = build_path("/proc/self/task/", tid, "/");
  strcat(const_cast<char*>(path), file);
  return path;
}

}  // namespace prefork
