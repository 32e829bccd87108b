// posix/process.h as JavaScript sees it.
#include "posix/process.h"

#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding/binding.h"
#include "posix/affinity.h"
#include "posix/end_with_parent.h"
#include "posix/free_pieces.h"
#include "posix/shared_pipes.h"
#include "posix/spawn_apart.h"

namespace prefork {

namespace {

// Fills the Int32Array that is the first argument.
Napi::Value pair(const Napi::CallbackInfo& info, int (*make)(Pair* ends)) {
  Pair ends;
  const int error = make(&ends);
  if (error == 0) {
    int* out = info[0].As<Napi::Int32Array>().Data();
    out[0] = ends.first;
    out[1] = ends.second;
  }
  return number(info.Env(), error);
}

}  // namespace

Napi::Value exit_at_once(const Napi::CallbackInfo& info) { ::_exit(integer(info[0])); }

Napi::Value get_pid(const Napi::CallbackInfo& info) { return number(info.Env(), getpid()); }

Napi::Value get_parent_pid(const Napi::CallbackInfo& info) { return number(info.Env(), getppid()); }

Napi::Value set_alarm(const Napi::CallbackInfo& info) {
  return number(info.Env(), alarm(info[0].As<Napi::Number>().Uint32Value()));
}

Napi::Value open_pipe(const Napi::CallbackInfo& info) { return pair(info, make_pipe); }

Napi::Value is_shared_pipe_end(const Napi::CallbackInfo& info) {
  struct stat status;
  const bool shared = fstat(integer(info[0]), &status) == 0 && is_shared_pipe(status.st_ino);
  return Napi::Boolean::New(info.Env(), shared);
}

Napi::Value open_socket_pair(const Napi::CallbackInfo& info) {
  return pair(info, make_socket_pair);
}

Napi::Value duplicate_descriptor(const Napi::CallbackInfo& info) {
  const bool inheritable = info[2].As<Napi::Boolean>().Value();
  return number(info.Env(), duplicate(integer(info[0]), integer(info[1]), inheritable));
}

Napi::Value trim_memory(const Napi::CallbackInfo& info) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
  return info.Env().Undefined();
}

Napi::Value take_free_memory(const Napi::CallbackInfo& info) {
  take_free_pieces();
  return info.Env().Undefined();
}

Napi::Value start_session(const Napi::CallbackInfo& info) {
  return number(info.Env(), new_session());
}

Napi::Value join_process_group(const Napi::CallbackInfo& info) {
  return number(info.Env(), set_process_group(integer(info[0]), integer(info[1])));
}

Napi::Value get_process_group(const Napi::CallbackInfo& info) {
  return number(info.Env(), process_group_of(integer(info[0])));
}

Napi::Value get_session(const Napi::CallbackInfo& info) {
  return number(info.Env(), session_of(integer(info[0])));
}

Napi::Value signal_process(const Napi::CallbackInfo& info) {
  return number(info.Env(), send_signal(integer(info[0]), integer(info[1])));
}

Napi::Value signal_group(const Napi::CallbackInfo& info) {
  return number(info.Env(), send_signal_to_group(integer(info[0]), integer(info[1])));
}

// Stores the new niceness in the Int32Array that is the second argument.
Napi::Value change_niceness(const Napi::CallbackInfo& info) {
  return number(info.Env(), add_niceness(integer(info[0]), info[1].As<Napi::Int32Array>().Data()));
}

Napi::Value lock_file(const Napi::CallbackInfo& info) {
  return number(info.Env(), try_lock_file(integer(info[0]), integer(info[1])));
}

Napi::Value set_thread_affinity(const Napi::CallbackInfo& info) {
  auto bits = info[1].As<Napi::Uint8Array>();
  return number(info.Env(), set_affinity(integer(info[0]), bits.Data(), bits.ElementLength()));
}

Napi::Value get_thread_affinity(const Napi::CallbackInfo& info) {
  auto bits = info[1].As<Napi::Uint8Array>();
  return number(info.Env(), static_cast<double>(
                                get_affinity(integer(info[0]), bits.Data(), bits.ElementLength())));
}

Napi::Value signal_on_parent_death(const Napi::CallbackInfo& info) {
  return number(info.Env(), set_parent_death_signal(integer(info[0])));
}

Napi::Value end_with_parent(const Napi::CallbackInfo& info) {
  return number(info.Env(), end_group_with_parent());
}

// (signal)
Napi::Value disarm(const Napi::CallbackInfo& info) {
  return number(info.Env(), disarm_signal(integer(info[0])));
}

// (apart: boolean)
Napi::Value set_spawn_apart(const Napi::CallbackInfo& info) {
  return number(info.Env(), spawn_apart(info[0].As<Napi::Boolean>().Value()));
}

// (fd)
Napi::Value set_close_on_exec(const Napi::CallbackInfo& info) {
  return number(info.Env(), close_on_exec(integer(info[0])));
}

}  // namespace prefork
