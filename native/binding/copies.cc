#include "binding/copies.h"

#include <link.h>
#include <stdint.h>
#include <string.h>

#include "fork/critical.h"
#include "posix/loaded_object.h"

namespace prefork {

namespace {

constexpr char kName[] = "prefork";
constexpr size_t kVersionSize = 32;
static_assert(sizeof PREFORK_VERSION <= kVersionSize, "the note has room for it");

// The note as it is in memory. Offsets count from where they stand: the loader has nothing to do.
// Other versions read it, so its form does not change.
struct Note {
  uint32_t name_size, content_size, type;
  char name[sizeof kName];
  char version[kVersionSize];
  int32_t to_register, to_fork_lock;
};
static_assert(sizeof(Note) == 12 + 8 + kVersionSize + 8, "without gaps");

__asm__(
    ".pushsection .note.prefork, \"a\", %note\n"
    ".balign 4\n"
    ".long 8, 40, 1\n"
    ".asciz \"prefork\"\n"
    "1: .asciz \"" PREFORK_VERSION
    "\"\n"
    ".org 1b + 32, 0\n"
    ".long prefork_register - .\n"
    ".long prefork_fork_lock - .\n"
    ".popsection\n");

uintptr_t target_of(const int32_t& offset) {
  return reinterpret_cast<uintptr_t>(&offset) +
         static_cast<uintptr_t>(static_cast<intptr_t>(offset));
}

bool is_ours(const Note& note) {
  return note.type == 1 && note.name_size == sizeof kName && note.content_size == 40 &&
         memcmp(note.name, kName, sizeof kName) == 0;
}

// What is found in the order in which files were loaded.
struct Search {
  const char* version;  // nullptr: any
  const Note* found;
};

size_t padded(size_t size, size_t alignment) { return (size + alignment - 1) & ~(alignment - 1); }

void search_notes(const char* notes, size_t size, size_t alignment, Search& search) {
  constexpr size_t kHeader = 3 * sizeof(uint32_t);
  while (size >= kHeader) {
    uint32_t header[3];
    memcpy(header, notes, kHeader);
    const size_t whole = padded(kHeader + header[0], alignment) + padded(header[1], alignment);
    if (whole > size) return;
    const auto* note = reinterpret_cast<const Note*>(notes);
    if (whole == sizeof(Note) && is_ours(*note) &&
        (search.version == nullptr || strcmp(note->version, search.version) == 0)) {
      search.found = note;
      return;
    }
    notes += whole;
    size -= whole;
  }
}

int search_file(dl_phdr_info* info, size_t, void* data) {
  auto& search = *static_cast<Search*>(data);
  for (int i = 0; i < info->dlpi_phnum && search.found == nullptr; ++i) {
    const auto& part = info->dlpi_phdr[i];
    if (part.p_type != PT_NOTE) continue;
    search_notes(reinterpret_cast<const char*>(info->dlpi_addr + part.p_vaddr), part.p_memsz,
                 part.p_align == 8 ? 8 : 4, search);
  }
  return search.found != nullptr ? 1 : 0;
}

// This file's own note is there at least. Another thread may just be loading the file that is found
// and is listed before it is complete: object_of() waits for the loader.
const Note& first_of(const char* version) {
  Search search = {version, nullptr};
  dl_iterate_phdr(search_file, &search);
  object_of(search.found);
  return *search.found;
}

}  // namespace

RegisterCopy registrar() {
  return reinterpret_cast<RegisterCopy>(target_of(first_of(PREFORK_VERSION).to_register));
}

void take_turns_with_other_versions() {
  const Note& first = first_of(nullptr);
  share_fork_lock(reinterpret_cast<pthread_mutex_t*>(target_of(first.to_fork_lock)));
}

}  // namespace prefork
