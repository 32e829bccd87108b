#include "fork/fork.h"

#include <uv.h>

#include "binding/binding.h"
#include "binding/environments.h"
#include "binding/quiet.h"
#include "binding/random.h"
#include "fork/credentials.h"
#include "fork/inotify.h"
#include "fork/requirements.h"
#include "fork/threads.h"
#include "loop/finished_closes.h"
#include "loop/fs_watchers.h"
#include "loop/socket_files.h"
#include "posix/wait.h"
#include "v8/heap_layout.h"

namespace prefork {

namespace {

void prepare_other_threads() {
  for_each_stopped_thread(renew_random_of_stopped_thread);
  HeldEnvironments::tell_others();
}

}  // namespace

Napi::Value fork(const Napi::CallbackInfo& info) {
  ForkOptions options;
  options.inspector_port = integer(info[0]);
  options.threads_go_on = info[1].As<Napi::Boolean>().Value();
  options.as_sibling = info[2].ToBoolean();
  const bool quiet = info[3].ToBoolean();
  options.keeps_tid = true;
  options.before_threads_go_on = prepare_other_threads;
  if (uv_loop_t* loop = loop_of(info.Env())) options.loop_fields = loop->internal_fields;
  if (quiet) {
    const int prepared = prepare_quiet_fork(info.Env(), &options.quiet);
    if (prepared < 0) return number(info.Env(), prepared);
  }
  const HeldEnvironments held(info.Env());
  const HeldGathering held_gathering;
  const int result = fork_process(options);
  if (result == 0) {
    if (quiet) become_quiet(info.Env());
    settle_when_loop_turns(info.Env());
    if (quiet) renew_children_lock();
    forget_children();
  }
  return number(info.Env(), result);
}

Napi::Value what_fork_misses(const Napi::CallbackInfo& info) {
  const char* name = missing_requirement();
  return name == nullptr ? info.Env().Undefined() : Napi::String::New(info.Env(), name);
}

Napi::Value requests_in_flight(const Napi::CallbackInfo& info) {
  return number(info.Env(), loop_of(info.Env())->active_reqs.count);
}

Napi::Value requests_finished_closes(const Napi::CallbackInfo& info) {
  const unsigned count = finished_closes(loop_of(info.Env()), integer(info[0]));
  return number(info.Env(), static_cast<int>(count));
}

Napi::Value restart_lost_watchers(const Napi::CallbackInfo& info) {
  const int restarted = inotify_watches_lost() ? restart_fs_watchers(loop_of(info.Env())) : 0;
  return number(info.Env(), restarted);
}

Napi::Value loop_owns_socket_files(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), owns_socket_files(loop_of(info.Env())));
}

Napi::Value loop_disown_socket_files(const Napi::CallbackInfo& info) {
  disown_socket_files(loop_of(info.Env()));
  return info.Env().Undefined();
}

Napi::Value share_credentials(const Napi::CallbackInfo& info) {
  return number(info.Env(), share_credentials());
}

}  // namespace prefork
