#include "loop/socket_files.h"

namespace prefork {

namespace {

uv_pipe_t* as_owner(uv_handle_t* handle) {
  if (handle->type != UV_NAMED_PIPE) return nullptr;
  auto* pipe = reinterpret_cast<uv_pipe_t*>(handle);
  return pipe->pipe_fname == nullptr ? nullptr : pipe;
}

void note_owner(uv_handle_t* handle, void* found) {
  if (as_owner(handle) != nullptr) *static_cast<bool*>(found) = true;
}

// The name itself stays: libuv frees it, with its own allocator.
void disown(uv_handle_t* handle, void*) {
  if (uv_pipe_t* pipe = as_owner(handle)) pipe->pipe_fname = nullptr;
}

}  // namespace

bool owns_socket_files(uv_loop_t* loop) {
  bool found = false;
  uv_walk(loop, note_owner, &found);
  return found;
}

void disown_socket_files(uv_loop_t* loop) { uv_walk(loop, disown, nullptr); }

}  // namespace prefork
