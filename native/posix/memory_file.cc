#include "posix/memory_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "posix/syscall.h"

namespace prefork {

namespace {

constexpr int kUnchangeable = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

bool has(int fd, size_t offset, size_t size) {
  struct stat status;
  if (fstat(fd, &status) < 0) return false;
  const auto whole = static_cast<size_t>(status.st_size);
  return offset <= whole && size <= whole - offset;
}

}  // namespace

int open_memory_file(const char* name, bool sealable) {
  const unsigned sealing = sealable ? MFD_ALLOW_SEALING : 0;
  return static_cast<int>(sys(SYS_memfd_create, name, MFD_CLOEXEC | sealing));
}

int seal_memory_file(int fd, int seals) {
  if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SEAL) == 0) return 0;
  const int error = errno;
  const int has = fcntl(fd, F_GET_SEALS);
  return has != -1 && (has & seals) == seals ? 0 : -error;
}

Mapped map_memory_file(int fd, size_t offset, size_t size) {
  const int sealed = seal_memory_file(fd, kUnchangeable);
  if (sealed < 0) return {sealed, nullptr};
  if (!has(fd, offset, size)) return {-EINVAL, nullptr};
  void* const start =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, static_cast<off_t>(offset));
  return start == MAP_FAILED ? Mapped{-errno, nullptr} : Mapped{0, start};
}

void unmap_memory_file(void* start, size_t size) { munmap(start, size); }

int forget_beginning(int fd, double bytes) {
  return static_cast<int>(sys(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0L,
                              static_cast<long>(bytes)));
}

}  // namespace prefork
