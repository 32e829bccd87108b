// The mappings of this process, as /proc/self/maps lists them (man 5 proc).
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "fork/procfs.h"

namespace prefork {

struct Mapping {
  uintptr_t start;
  uintptr_t end;
  uint64_t offset;
  ino_t inode;
  bool accessible;  // any of rwx
  bool readable;
  bool executable;
  bool anonymous;  // private, of no file, and not one of the kernel's own such as [vvar]
  bool ring;       // memory of an io_uring

  uintptr_t size() const { return end - start; }
};

Mapping parse_mapping(const char* line);

// Calls `visit(mapping)` in the order of addresses. 0, the first answer that was not 0, or -errno.
template <typename Visit>
int for_each_mapping(Visit visit) {
  Lines maps("/proc/thread-self/maps");
  while (const char* line = maps.next()) {
    const int result = visit(parse_mapping(line));
    if (result != 0) return result;
  }
  return maps.error();
}

// Asks for single mappings (PROCMAP_QUERY of linux/fs.h, Linux 6.11): where only a few are wanted,
// that takes less time than to read about all.
class MappingLookup {
 public:
  MappingLookup();
  ~MappingLookup();
  MappingLookup(const MappingLookup&) = delete;
  MappingLookup& operator=(const MappingLookup&) = delete;

  // The place of the mapping that covers `address`. 0, or -errno where there is no asking.
  int find(uintptr_t address, uintptr_t& start, uintptr_t& end);

 private:
  int file_;
};

}  // namespace prefork
