#include "fork/maps.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "posix/syscall.h"

namespace prefork {

namespace {

// struct procmap_query (linux/fs.h), which older headers lack.
struct ProcmapQuery {
  uint64_t size;
  uint64_t flags;
  uint64_t address;
  uint64_t start;
  uint64_t end;
  uint64_t others[8];
};
static_assert(sizeof(ProcmapQuery) == 104);
constexpr unsigned long kProcmapQuery = _IOWR('f', 17, ProcmapQuery);

// Anonymous memory may have a name: what prctl has given it, or [heap]. Before Linux 6.6 the kernel
// calls what begins right behind the heap so, too (fs/proc/task_mmu.c), and there V8 may have put
// its code.
bool names_ordinary_memory(const char* name) {
  return strncmp(name, "[anon", 5) == 0 || strcmp(name, "[heap]") == 0;
}

}  // namespace

// start-end rwxp offset major:minor inode   path
Mapping parse_mapping(const char* line) {
  Mapping mapping = {};
  mapping.start = read_hex(line);
  ++line;
  mapping.end = read_hex(line);
  mapping.accessible = line[1] != '-' || line[2] != '-' || line[3] != '-';
  mapping.readable = line[1] == 'r';
  mapping.executable = line[3] == 'x';
  const bool is_private = line[4] == 'p';
  line += 6;
  mapping.offset = read_hex(line);
  line = strchr(line + 1, ' ') + 1;
  mapping.inode = read_decimal(line);
  while (*line == ' ') ++line;
  const bool is_special = *line == '[' && !names_ordinary_memory(line);
  mapping.anonymous = is_private && mapping.inode == 0 && !is_special;
  mapping.ring = strcmp(line, "anon_inode:[io_uring]") == 0;
  return mapping;
}

MappingLookup::MappingLookup()
    : file_(static_cast<int>(
          sys(SYS_openat, AT_FDCWD, "/proc/thread-self/maps", O_RDONLY | O_CLOEXEC))) {}

MappingLookup::~MappingLookup() {
  if (file_ >= 0) sys(SYS_close, file_);
}

int MappingLookup::find(uintptr_t address, uintptr_t& start, uintptr_t& end) {
  if (file_ < 0) return file_;
  ProcmapQuery query = {};
  query.size = sizeof query;
  query.address = address;
  const long result = sys(SYS_ioctl, file_, kProcmapQuery, &query);
  start = query.start;
  end = query.end;
  return static_cast<int>(result);
}

}  // namespace prefork
