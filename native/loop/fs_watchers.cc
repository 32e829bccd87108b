#include "loop/fs_watchers.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

namespace prefork {

namespace {

struct Watcher {
  uv_fs_event_t* handle;
  uv_fs_event_cb callback;
  char* path;  // the handle's own goes with the stop
  Watcher* next;
};

struct Watchers {
  Watcher* first = nullptr;
  bool complete = true;
};

char* path_of(uv_fs_event_t* handle) {
  char path[PATH_MAX];
  size_t size = sizeof path;
  return uv_fs_event_getpath(handle, path, &size) == 0 ? strndup(path, size) : nullptr;
}

void add_watcher(uv_handle_t* handle, void* data) {
  if (handle->type != UV_FS_EVENT || !uv_is_active(handle)) return;
  auto* watchers = static_cast<Watchers*>(data);
  auto* event = reinterpret_cast<uv_fs_event_t*>(handle);
  auto* watcher = static_cast<Watcher*>(malloc(sizeof(Watcher)));
  if (watcher == nullptr) {
    watchers->complete = false;
    return;
  }
  *watcher = {event, event->cb, path_of(event), watchers->first};
  watchers->first = watcher;
}

int start_again(const Watcher& watcher) {
  if (watcher.path == nullptr) return -ENOMEM;
  return uv_fs_event_start(watcher.handle, watcher.callback, watcher.path, 0);
}

}  // namespace

// All are stopped before the first is started: libuv finds a watch by its descriptor, and the new
// instance gives out numbers that handles not stopped yet still go by.
int restart_fs_watchers(uv_loop_t* loop) {
  Watchers watchers;
  uv_walk(loop, add_watcher, &watchers);
  for (Watcher* each = watchers.first; each != nullptr; each = each->next)
    uv_fs_event_stop(each->handle);
  int result = watchers.complete ? 0 : -ENOMEM;
  while (Watcher* each = watchers.first) {
    const int started = start_again(*each);
    if (result == 0) result = started;
    watchers.first = each->next;
    free(each->path);
    free(each);
  }
  return result;
}

}  // namespace prefork
