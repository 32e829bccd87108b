#include "posix/private_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

namespace prefork {

namespace {

constexpr size_t kLongestRollup = 4096;
constexpr size_t kStackSize = 128 * 1024;
constexpr double kKilobyte = 1024;

// One at a time. A fork copies both, and the thread; the copy sees that it is one.
double* wanted;
pid_t owner;

double kilobytes_of(const char* text, const char* name) {
  const char* digit = strstr(text, name);
  if (digit == nullptr) return 0;
  digit += strlen(name);
  while (*digit == ' ') ++digit;
  double kilobytes = 0;
  for (; *digit >= '0' && *digit <= '9'; ++digit) kilobytes = 10 * kilobytes + (*digit - '0');
  return kilobytes;
}

void* measure(void*) {
  const double bytes = private_memory();
  if (getpid() == owner && bytes >= 0) *wanted = bytes;
  __atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
  return nullptr;
}

}  // namespace

double private_memory() {
  const int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  if (file == -1) return -1;
  char text[kLongestRollup];
  const ssize_t size = pread(file, text, sizeof text - 1, 0);
  close(file);
  if (size <= 0) return -1;
  text[size] = '\0';
  return kKilobyte *
         (kilobytes_of(text, "\nPrivate_Clean:") + kilobytes_of(text, "\nPrivate_Dirty:"));
}

int measure_private_memory(double* result) {
  const pid_t own = getpid();
  if (__atomic_load_n(&owner, __ATOMIC_ACQUIRE) == own) return -EAGAIN;
  wanted = result;
  owner = own;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackSize);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, measure, nullptr);
  pthread_attr_destroy(&attributes);
  if (error != 0) owner = 0;
  return -error;
}

}  // namespace prefork
