#include "loop/first_async.h"

namespace prefork {

namespace {

// libuv goes through a loop's async handles in the order of this list, and keeps that order
// (uv__async_io in src/unix/async.c); new ones are added at its end. The layout is part of the ABI
// of libuv 1.
void move_to_front(uv_loop_t* loop, uv_async_t* handle) {
  auto* first = &loop->async_handles;
  auto* entry = &handle->queue;
  entry->prev->next = entry->next;
  entry->next->prev = entry->prev;
  entry->next = first->next;
  entry->prev = first;
  first->next->prev = entry;
  first->next = entry;
}

}  // namespace

int open_first_async(uv_loop_t* loop, uv_async_t* handle, uv_async_cb callback) {
  const int result = uv_async_init(loop, handle, callback);
  if (result < 0) return result;
  move_to_front(loop, handle);
  uv_unref(reinterpret_cast<uv_handle_t*>(handle));
  return 0;
}

}  // namespace prefork
