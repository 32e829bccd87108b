// What lives on an event loop.
#pragma once

#include <uv.h>

#include <string>
#include <vector>

namespace prefork {

struct LoopHandle {
  const char* type;     // libuv's name: "tcp", "pipe", "fs_event", ...
  int fd;               // -1 if it has none
  int pid;              // of a "process"; otherwise 0
  bool listening;       // a socket that accepts connections
  bool passes_handles;  // a pipe between Node processes: an IPC channel
  std::string path;     // what an "fs_event" or "fs_poll" watches
  std::string local;    // "127.0.0.1:80", "[::1]:80", "/path", or empty
  std::string remote;   // the other end, if connected
};

// Every active handle, whether or not it keeps the loop alive, in the order in which they were
// made.
std::vector<LoopHandle> active_handles(uv_loop_t* loop);

}  // namespace prefork
