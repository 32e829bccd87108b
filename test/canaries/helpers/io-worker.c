// Has the kernel make a thread for an io_uring, and looks whether that is the only one with the flag PF_IO_WORKER.
// Status 77: there is no io_uring.
#include <dirent.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long flags_of(const char* tid) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/self/task/%s/stat", tid);
  FILE* file = fopen(path, "r");
  if (file == NULL || fgets(text, sizeof text, file) == NULL) return 0;
  fclose(file);
  unsigned long flags = 0;
  sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %lu", &flags);
  return flags;
}

int main(void) {
  struct io_uring_params parameters = {0};
  const int ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);
  if (ring < 0) {
    printf("no io_uring: %s\n", strerror(errno));
    return 77;
  }
  char* memory = mmap(NULL, parameters.sq_off.array + sizeof(unsigned), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
                      IORING_OFF_SQ_RING);
  struct io_uring_sqe* entry =
      mmap(NULL, sizeof *entry, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
  int ends[2];
  if (memory == MAP_FAILED || entry == MAP_FAILED || pipe(ends) < 0) return 1;
  static char byte;
  entry->opcode = IORING_OP_READ;
  entry->flags = IOSQE_ASYNC;  // by a thread of the kernel's, which then waits for the pipe
  entry->fd = ends[0];
  entry->addr = (unsigned long)&byte;
  entry->len = 1;
  *(unsigned*)(memory + parameters.sq_off.array) = 0;
  __atomic_store_n((unsigned*)(memory + parameters.sq_off.tail), 1, __ATOMIC_RELEASE);
  if (syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0) != 1) return 1;

  DIR* tasks = opendir("/proc/self/task");
  int workers = 0, others = 0;
  for (struct dirent* each; (each = readdir(tasks)) != NULL;) {
    if (*each->d_name == '.') continue;
    const int is_worker = (flags_of(each->d_name) & 0x10) != 0;
    if (is_worker == (atoi(each->d_name) == getpid())) fprintf(stderr, "thread %s: %lx\n", each->d_name, flags_of(each->d_name));
    ++*(is_worker ? &workers : &others);
  }
  if (workers == 0 || others != 1) fprintf(stderr, "%d with the flag, %d without\n", workers, others);
  return workers > 0 && others == 1 ? 0 : 1;
}
