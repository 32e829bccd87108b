// Requests of fs.close() that are done but for their callbacks.
#pragma once

#include <uv.h>

namespace prefork {

// How many of the loop's requests in flight are closes that the thread pool has carried out. Gives
// the pool some milliseconds to finish what it has: a close takes less, and a request that takes
// longer is not one. In the loop's own thread.
unsigned finished_closes(uv_loop_t* loop, int milliseconds);

}  // namespace prefork
