// Reading /proc without malloc: directories by getdents64, text line by line, from static buffers.
//
// Only the forking thread uses these, under the fork lock, so the buffers are never shared.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace prefork {

// Calls `visit(number)` for each entry of `directory` whose name is a number. The visitor answers 0
// to go on; anything else ends the walk and is the answer. -errno if the directory cannot be read.
template <typename Visit>
int for_each_number(const char* directory, Visit visit);

// Whether /proc is mounted and numbers processes and threads as this process sees them: what
// `unshare --pid` leaves mounted shows the numbers of the namespace before, and a thread asked by
// such a number would be another, or nobody.
bool proc_is_of_our_namespace();

// The number of links of a directory: for /proc/self/task, two more than there are threads.
long count_links(const char* directory);

// The lines of one file. next() answers a line without its newline, or nullptr at the end.
class Lines {
 public:
  explicit Lines(const char* path);
  ~Lines();
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  const char* next();
  // 0, or -errno of the open or read that failed.
  int error() const { return error_; }

 private:
  int file_;
  int error_ = 0;
  size_t start_ = 0;
  size_t end_ = 0;
};

// Parsers that move `text` behind what they read.
uint64_t read_hex(const char*& text);
uint64_t read_decimal(const char*& text);
// The text behind `label` if the line starts with it, or nullptr.
const char* after(const char* line, const char* label);
// Paths, in a buffer that the next call overwrites. What belongs to the process is read from the
// calling thread's folder: /proc/self shows nothing once the process's first thread has ended while
// others go on, as it may in the child of a worker thread's fork.
const char* fd_path(int fd);                         // /proc/thread-self/fd/<fd>
const char* fdinfo_path(int fd);                     // /proc/thread-self/fdinfo/<fd>
const char* thread_path(int tid, const char* file);  // /proc/self/task/<tid>/<file>

// ---

namespace detail {
int open_directory(const char* path);
// The next entry's name, or nullptr at the end (*error then says why: 0 or -errno).
const char* next_entry(int directory, int* error);
void close_directory(int directory);
int number_of(const char* name);
}  // namespace detail

template <typename Visit>
int for_each_number(const char* directory, Visit visit) {
  const int file = detail::open_directory(directory);
  if (file < 0) return file;
  int result = 0;
  while (const char* name = detail::next_entry(file, &result)) {
    const int number = detail::number_of(name);
    if (number < 0) continue;
    result = visit(number);
    if (result != 0) break;
  }
  detail::close_directory(file);
  return result;
}

}  // namespace prefork
