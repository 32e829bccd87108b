#include "posix/imports.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace prefork {

namespace {

#if defined(__x86_64__)
constexpr uint32_t kCalled = R_X86_64_JUMP_SLOT;
constexpr uint32_t kAddressTaken = R_X86_64_GLOB_DAT;
#elif defined(__aarch64__)
constexpr uint32_t kCalled = R_AARCH64_JUMP_SLOT;
constexpr uint32_t kAddressTaken = R_AARCH64_GLOB_DAT;
#endif

const uintptr_t page_size = static_cast<uintptr_t>(getpagesize());

uintptr_t page_of(uintptr_t address) { return address & ~(page_size - 1); }

bool contains(const dl_phdr_info& object, const void* address) {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const auto& segment = object.dlpi_phdr[i];
    const uintptr_t start = object.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && wanted - start < segment.p_memsz) return true;
  }
  return false;
}

// Calls `see` with the object to which an address belongs.
template <typename See>
void with_object_of(const void* address, See see) {
  struct Search {
    const void* address;
    See& see;
  } search = {address, see};
  dl_iterate_phdr(
      [](dl_phdr_info* object, size_t, void* data) {
        auto& search = *static_cast<Search*>(data);
        if (!contains(*object, search.address)) return 0;
        search.see(*object);
        return 1;
      },
      &search);
}

bool is_named_libc(const char* path) {
  const char* const slash = strrchr(path, '/');
  return strcmp(slash == nullptr ? path : slash + 1, "libc.so.6") == 0;
}

}  // namespace

class ImportSearch {
 public:
  ImportSearch(Import& import, const dl_phdr_info& object, const char* name, const char* other)
      : import_(import), base_(object.dlpi_addr), name_(name), other_(other) {
    for (int i = 0; i < object.dlpi_phnum; ++i) {
      const auto& segment = object.dlpi_phdr[i];
      const uintptr_t start = base_ + segment.p_vaddr;
      if (segment.p_type == PT_DYNAMIC) read(reinterpret_cast<const ElfW(Dyn)*>(start));
      // Whole pages, as the loader has it: what shares a page with ordinary data is not sealed.
      if (segment.p_type == PT_GNU_RELRO) {
        import_.sealed_start_ = page_of(start);
        import_.sealed_end_ = page_of(start + segment.p_memsz);
      }
    }
  }

  void run() {
    if (symbols_ == nullptr || names_ == nullptr) return;
    look_through(calls_, calls_size_);
    look_through(others_, others_size_);
  }

 private:
  // glibc has made addresses of these numbers, musl leaves them as they are in the file.
  template <typename T>
  const T* at(uintptr_t value) const {
    return reinterpret_cast<const T*>(value >= base_ ? value : base_ + value);
  }

  void read(const ElfW(Dyn) * entry) {
    for (; entry->d_tag != DT_NULL; ++entry) {
      const uintptr_t value = entry->d_un.d_ptr;
      if (entry->d_tag == DT_SYMTAB) symbols_ = at<ElfW(Sym)>(value);
      if (entry->d_tag == DT_STRTAB) names_ = at<char>(value);
      if (entry->d_tag == DT_JMPREL) calls_ = at<ElfW(Rela)>(value);
      if (entry->d_tag == DT_PLTRELSZ) calls_size_ = value;
      if (entry->d_tag == DT_RELA) others_ = at<ElfW(Rela)>(value);
      if (entry->d_tag == DT_RELASZ) others_size_ = value;
    }
  }

  void look_through(const ElfW(Rela) * first, size_t size) {
    if (first == nullptr) return;
    const ElfW(Rela)* const end = first + size / sizeof *first;
    for (const ElfW(Rela)* rela = first; rela < end; ++rela) {
      if (is_wanted(*rela) && import_.count_ < Import::kMostEntries) {
        import_.entries_[import_.count_++] = reinterpret_cast<void**>(base_ + rela->r_offset);
      }
    }
  }

  bool is_wanted(const ElfW(Rela) & rela) const {
    const auto type = static_cast<uint32_t>(ELF64_R_TYPE(rela.r_info));
    if (type != kCalled && type != kAddressTaken) return false;
    const char* const name = names_ + symbols_[ELF64_R_SYM(rela.r_info)].st_name;
    return strcmp(name, name_) == 0 || strcmp(name, other_) == 0;
  }

  Import& import_;
  const uintptr_t base_;
  const char* const name_;
  const char* const other_;
  const ElfW(Sym) * symbols_ = nullptr;
  const char* names_ = nullptr;
  const ElfW(Rela) * calls_ = nullptr;
  const ElfW(Rela) * others_ = nullptr;
  size_t calls_size_ = 0;
  size_t others_size_ = 0;
};

Import::Import(const void* inside, const char* name, const char* other_name) {
  with_object_of(inside, [&](const dl_phdr_info& object) {
    ImportSearch(*this, object, name, other_name).run();
  });
}

bool Import::is_of_libc() const {
  for (int i = 0; i < count_; ++i) {
    bool is_its_own = false;
    with_object_of(*entries_[i], [&](const dl_phdr_info& object) {
      is_its_own = is_named_libc(object.dlpi_name);
    });
    if (!is_its_own || *entries_[i] != *entries_[0]) return false;
  }
  return count_ > 0;
}

void* Import::function() const { return *entries_[0]; }

int Import::write(void** entry, void* function) {
  const uintptr_t page = page_of(reinterpret_cast<uintptr_t>(entry));
  const bool is_sealed = sealed_start_ <= page && page < sealed_end_;
  void* const start = reinterpret_cast<void*>(page);
  if (is_sealed && mprotect(start, page_size, PROT_READ | PROT_WRITE) == -1) return -errno;
  __atomic_store_n(entry, function, __ATOMIC_RELEASE);
  if (is_sealed) mprotect(start, page_size, PROT_READ);
  return 0;
}

int Import::replace(void* function) {
  void* const before = this->function();
  for (int i = 0; i < count_; ++i) {
    const int result = write(entries_[i], function);
    if (result == 0) continue;
    while (i-- > 0) write(entries_[i], before);
    return result;
  }
  return 0;
}

}  // namespace prefork
