// Runs on every glibc from 2.28 on, whatever glibc it was built with.
//
// A binary asks for each function in the version that was the newest where it was linked.
// glibc 2.32 to 2.34 gave some functions new versions without changing what they do (release notes:
// stat has become a function of its own, libpthread and libdl are part of libc). The ones of these
// that are used here are defined here, on top of what all versions have. The definitions are seen
// by this addon alone (native/exports.map). test/package/binary.test.ts reads from the binary that
// none is missing.
#include <features.h>

#if defined(__GLIBC__)

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FIRST_VERSION "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST_VERSION "GLIBC_2.17"
#endif

extern "C" {

#define FROM_FIRST_VERSION(name) __asm__(".symver first_" #name "," #name "@" FIRST_VERSION)

FROM_FIRST_VERSION(dladdr);
FROM_FIRST_VERSION(dlsym);
FROM_FIRST_VERSION(pthread_attr_setstacksize);
FROM_FIRST_VERSION(pthread_create);
FROM_FIRST_VERSION(pthread_join);

decltype(dladdr) first_dladdr;
decltype(dlsym) first_dlsym;
decltype(pthread_attr_setstacksize) first_pthread_attr_setstacksize;
decltype(pthread_create) first_pthread_create;
decltype(pthread_join) first_pthread_join;

int dladdr(const void* address, Dl_info* about) noexcept { return first_dladdr(address, about); }

// Looks from the addon's place in the order of libraries, as its callers did.
void* dlsym(void* handle, const char* name) noexcept { return first_dlsym(handle, name); }

int pthread_attr_setstacksize(pthread_attr_t* attributes, size_t size) noexcept {
  return first_pthread_attr_setstacksize(attributes, size);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*entry)(void*),
                   void* argument) noexcept {
  return first_pthread_create(thread, attributes, entry, argument);
}

int pthread_join(pthread_t thread, void** result) { return first_pthread_join(thread, result); }

// On these processors the kernel fills in just what programs read (glibc's own fstatat64.c copies
// nothing there).
#if defined(__x86_64__)
static_assert(sizeof(struct stat64) == 144, "as the kernel's asm/stat.h has it");
#else
static_assert(sizeof(struct stat64) == 128, "as the kernel's asm-generic/stat.h has it");
#endif

int fstat64(int fd, struct stat64* status) noexcept {
  return static_cast<int>(syscall(SYS_fstat, fd, status));
}

int stat64(const char* path, struct stat64* status) noexcept {
  return static_cast<int>(syscall(SYS_newfstatat, AT_FDCWD, path, status, 0));
}

}  // extern "C"

#endif
