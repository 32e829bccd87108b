// The files of Unix sockets that this process has bound. libuv removes each when it closes the
// handle (uv__pipe_close); in a child the file is still the parent's.
#pragma once

#include <uv.h>

namespace prefork {

bool owns_socket_files(uv_loop_t* loop);

// In the child, in the loop's own thread: its handles leave their files alone when they are closed.
void disown_socket_files(uv_loop_t* loop);

}  // namespace prefork
