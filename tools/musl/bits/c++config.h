// The C++ headers of a compiler for glibc, made fit for musl: found before libstdc++'s own file of
// this name, it says what that was told about glibc when it was configured. Only headers are used;
// of the library nothing is linked (see native/runtime/cxx.cc).
#pragma once

#include <locale.h>

#define __GLIBC_PREREQ(major, minor) 0
#define __locale_t locale_t

#include_next <bits/c++config.h>

// glibc 2.30's waits by a clock of one's choice.
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK
