// The entries through which an executable or library calls a function of another one (elf(5): what
// DT_JMPREL and DT_RELA have the dynamic loader fill in), and what else they can be made to call.
#pragma once

#include <stdint.h>

namespace prefork {

class Import {
 public:
  // As the object to which `inside` belongs calls the function that has one of these two names.
  // Takes the dynamic loader's lock for a moment.
  Import(const void* inside, const char* name, const char* other_name);

  bool is_found() const { return count_ > 0; }
  // Whether it is the C library's own that is called, by all entries.
  bool is_of_libc() const;
  void* function() const;
  // From now on `function` is called, by any thread. 0 or -errno; then all is as before.
  int replace(void* function);

 private:
  static constexpr int kMostEntries = 4;  // each name may be called, and have its address taken

  int write(void** entry, void* function);

  int count_ = 0;
  void** entries_[kMostEntries];
  uintptr_t sealed_start_ = 0;  // read-only since the loader has filled it in (PT_GNU_RELRO)
  uintptr_t sealed_end_ = 0;

  friend class ImportSearch;
};

}  // namespace prefork
