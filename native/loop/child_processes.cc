#include "loop/child_processes.h"

#include <stdlib.h>

namespace prefork {

ChildProcesses::ChildProcesses(uv_loop_t* loop) { uv_walk(loop, add, this); }

ChildProcesses::~ChildProcesses() { free(list_); }

void ChildProcesses::add(uv_handle_t* handle, void* self) {
  // libuv stops the handle when it has reaped the child: from then on the number is free.
  if (uv_handle_get_type(handle) != UV_PROCESS || !uv_is_active(handle)) return;
  auto* found = static_cast<ChildProcesses*>(self);
  if (found->count_ == found->capacity_) {
    const size_t capacity = found->capacity_ == 0 ? 16 : found->capacity_ * 2;
    void* bigger = realloc(found->list_, capacity * sizeof(pid_t));
    if (bigger == nullptr) {
      found->ok_ = false;
      return;
    }
    found->list_ = static_cast<pid_t*>(bigger);
    found->capacity_ = capacity;
  }
  found->list_[found->count_++] = uv_process_get_pid(reinterpret_cast<uv_process_t*>(handle));
}

}  // namespace prefork
