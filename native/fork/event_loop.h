// Where a thread may take its new number (docs/fork-safety.md, "Thread ids").
#pragma once

namespace prefork {

// Whether a signal has interrupted a thread in the one place where it can hold no lock that knows
// its owner by number: in epoll_wait, epoll_pwait or epoll_pwait2, which is to say at the bottom of
// an event loop. If in doubt the answer is no: a thread keeps its old number without harm to it.
//
// Why these are safe: a loop waits there for whatever comes next, and what comes next may want any
// lock, so libuv, tokio and others give up theirs before (libuv's uv__io_poll holds none,
// and Node calls uv_run with none but plain mutexes, which know no owner).
//
// Why no other call is: each is made in the middle of something.
//   nanosleep etc.            SQLite's busy handler sleeps with a recursive mutex held
//   futex                     V8 waits for its helpers with one (IsolateSafepoint)
//   read, write               libuv reads a new process's answer with a written rwlock
//   poll, select              resolvers and database clients wait for one answer
//   flock, fcntl              databases wait for another process
//   semop, msgrcv             likewise
//   io_uring_enter            libuv waits there for its own epoll_ctl
bool was_in_event_loop(const void* ucontext);

}  // namespace prefork
