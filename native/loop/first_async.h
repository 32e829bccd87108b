// An async handle whose callback comes before that of every other async handle of its loop, and so
// before any message to a worker and any result from the thread pool.
#pragma once

#include <uv.h>

namespace prefork {

// Does not keep the loop alive. 0 or -errno. To be closed with uv_close().
int open_first_async(uv_loop_t* loop, uv_async_t* handle, uv_async_cb callback);

}  // namespace prefork
