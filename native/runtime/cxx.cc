// The addon needs no C++ library: neither one as new as its compiler's, nor one at all, which a
// system with musl may not have. What the headers leave to the library is here: the members of
// std::string, and the few functions that templates call.
//
// The definitions are seen by this addon alone (native/exports.map); memory that it takes it also
// frees. Without exceptions the only answer to no memory is to end the process, as Node does.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <atomic>
#include <string>

#include "posix/futex.h"

namespace {

[[noreturn]] void fail(const char* reason) {
  fprintf(stderr, "prefork: %s\n", reason);
  abort();
}

void leave(prefork::Word& busy) {
  busy.store(0);
  prefork::futex_wake_all(busy);
}

}  // namespace

void* operator new(size_t size) {
  void* memory = malloc(size > 0 ? size : 1);
  if (memory == nullptr) fail("out of memory");
  return memory;
}

void* operator new[](size_t size) { return operator new(size); }

void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }
void operator delete[](void* memory, size_t) noexcept { free(memory); }

// In the vtables of abstract classes (Itanium C++ ABI, 3.2.6).
extern "C" void __cxa_pure_virtual() { fail("a pure virtual function was called"); }

// A static variable of a function is initialized once, by whichever thread comes first (Itanium C++
// ABI, 3.3.2). The first byte of its guard says that it has been; the second word, that some thread
// is about it.
extern "C" int __cxa_guard_acquire(int64_t* guard) {
  const auto* done = reinterpret_cast<std::atomic<uint8_t>*>(guard);
  auto& busy = reinterpret_cast<prefork::Word*>(guard)[1];
  while (done->load() == 0) {
    if (busy.exchange(1) != 0) {
      prefork::futex_wait(busy, 1);
    } else if (done->load() == 0) {
      return 1;
    } else {
      leave(busy);
    }
  }
  return 0;
}

extern "C" void __cxa_guard_release(int64_t* guard) {
  auto& busy = reinterpret_cast<prefork::Word*>(guard)[1];
  reinterpret_cast<std::atomic<uint8_t>*>(guard)->store(1);
  leave(busy);
}

namespace std {

// Declared `extern template` by <string>.
template class allocator<char>;
template class basic_string<char>;

// bits/functexcept.h
[[noreturn]] void __throw_length_error(const char* reason) { fail(reason); }
[[noreturn]] void __throw_logic_error(const char* reason) { fail(reason); }
[[noreturn]] void __throw_out_of_range_fmt(const char* reason, ...) { fail(reason); }
[[noreturn]] void __throw_bad_alloc() { fail("out of memory"); }
[[noreturn]] void __throw_bad_array_new_length() { fail("out of memory"); }
[[noreturn]] void __throw_bad_function_call() { fail("an empty function was called"); }

}  // namespace std
