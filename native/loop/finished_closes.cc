#include "loop/finished_closes.h"

#include <stddef.h>
#include <time.h>

#include <atomic>

namespace prefork {

namespace {

// Newer libuv have a struct of the same two pointers for it: next, previous.
using Link = void*;

using Work = uv__work;

Link* next_of(Link* link) { return static_cast<Link*>(link[0]); }

Work* work_at(Link* link) {
  return reinterpret_cast<Work*>(reinterpret_cast<char*>(link) - offsetof(Work, wq));
}

uv_fs_t* request_of(Work* work) {
  return reinterpret_cast<uv_fs_t*>(reinterpret_cast<char*>(work) - offsetof(uv_fs_t, work_req));
}

using DoneFunction = decltype(Work::done);

void ignore(uv_fs_t*) {}

// The function that libuv calls when a request of fs is done, which tells these from all others.
// Learned from a request that is cancelled, or done at once, on a loop of its own.
DoneFunction learn_fs_done() {
  uv_loop_t loop;
  uv_fs_t request;
  if (uv_loop_init(&loop) != 0) return nullptr;
  DoneFunction done = nullptr;
  if (uv_fs_access(&loop, &request, "/", 0, ignore) == 0) {
    done = request.work_req.done;
    uv_cancel(reinterpret_cast<uv_req_t*>(&request));
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_fs_req_cleanup(&request);
  }
  uv_loop_close(&loop);
  return done;
}

struct Finished {
  unsigned all, closes;
};

Finished count_finished(uv_loop_t* loop, DoneFunction fs_done) {
  Finished finished = {0, 0};
  uv_mutex_lock(&loop->wq_mutex);
  auto* const head = reinterpret_cast<Link*>(&loop->wq);
  for (Link* link = next_of(head); link != head; link = next_of(link)) {
    Work* const work = work_at(link);
    const bool is_close = work->done == fs_done && request_of(work)->fs_type == UV_FS_CLOSE;
    ++finished.all;
    if (is_close) ++finished.closes;
  }
  uv_mutex_unlock(&loop->wq_mutex);
  return finished;
}

}  // namespace

unsigned finished_closes(uv_loop_t* loop, int milliseconds) {
  static std::atomic<DoneFunction> learned;  // the same for all threads, and in every child
  if (learned.load() == nullptr) learned.store(learn_fs_done());
  const DoneFunction fs_done = learned.load();
  constexpr uint64_t kMillisecond = 1000 * 1000;
  const timespec pause = {0, kMillisecond / 10};
  if (fs_done == nullptr) return 0;
  const uint64_t end = uv_hrtime() + static_cast<uint64_t>(milliseconds) * kMillisecond;
  for (;;) {
    const Finished finished = count_finished(loop, fs_done);
    if (finished.all == loop->active_reqs.count || uv_hrtime() >= end) return finished.closes;
    nanosleep(&pause, nullptr);
  }
}

}  // namespace prefork
