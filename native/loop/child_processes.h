// The children that node:child_process waits for.
#pragma once

#include <uv.h>

#include "posix/wait.h"

namespace prefork {

// The pids of the running children of this loop (libuv's uv_process_t), for as long as the object
// lives.
class ChildProcesses {
 public:
  explicit ChildProcesses(uv_loop_t* loop);
  ~ChildProcesses();
  ChildProcesses(const ChildProcesses&) = delete;
  ChildProcesses& operator=(const ChildProcesses&) = delete;

  // False if there was no memory for them.
  bool ok() const { return ok_; }
  Pids pids() const { return {list_, count_}; }

 private:
  static void add(uv_handle_t* handle, void* self);

  pid_t* list_ = nullptr;
  size_t count_ = 0;
  size_t capacity_ = 0;
  bool ok_ = true;
};

}  // namespace prefork
