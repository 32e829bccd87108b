#include "posix/loaded_object.h"

#include <link.h>
#include <stddef.h>

namespace prefork {

namespace {

struct Search {
  uintptr_t address;
  uint32_t flags;  // PF_X or PF_W
  Extent found;
};

uintptr_t start_of(const dl_phdr_info* object, const ElfW(Phdr) & segment) {
  return object->dlpi_addr + segment.p_vaddr;
}

bool is_loaded_here(const dl_phdr_info* object, uintptr_t address) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    const uintptr_t start = start_of(object, segment);
    if (segment.p_type == PT_LOAD && Extent{start, start + segment.p_memsz}.has(address))
      return true;
  }
  return false;
}

// There may be several such segments; what lies between belongs to the object, too.
int find_in(dl_phdr_info* object, size_t, void* data) {
  auto* search = static_cast<Search*>(data);
  if (!is_loaded_here(object, search->address)) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & search->flags) == 0) continue;
    const uintptr_t start = start_of(object, segment);
    if (search->found.start == 0) search->found.start = start;
    search->found.end = start + segment.p_memsz;
  }
  return 1;
}

Extent find(const void* address, uint32_t flags) {
  Search search = {reinterpret_cast<uintptr_t>(address), flags, {0, 0}};
  dl_iterate_phdr(find_in, &search);
  return search.found;
}

}  // namespace

Extent code_extent_of(const void* address) { return find(address, PF_X); }

Extent data_extent_of(const void* address) { return find(address, PF_W); }

}  // namespace prefork
