#include "binding/quiet.h"

#include <errno.h>
#include <uv.h>

#include "binding/binding.h"
#include "binding/call_from_loop.h"
#include "loop/pool_hold.h"
#include "loop/quiet_loop.h"
#include "posix/fork_handlers.h"
#include "v8/isolate.h"

namespace prefork {

namespace {

// The main thread's alone. In a child of a quiet fork there is none of its parent's.
struct Rest {
  napi_env env;
  napi_ref callback;
  PoolHold* hold;
  bool alone;           // no other thread has JavaScript
  uv_check_t bottom;    // calls back
  uv_idle_t unblocked;  // so that the loop does not wait for events first
  int handles;
};
Rest* rest;

LeavingBehind leaving;
ForkHandlers fork_handlers;
int missing_threads;

const void* node_symbol() { return reinterpret_cast<const void*>(napi_get_undefined); }

void close_handle(uv_handle_t* handle) {
  uv_close(handle, [](uv_handle_t* closed) {
    auto* ended = static_cast<Rest*>(closed->data);
    if (--ended->handles == 0) delete ended;
  });
}

// Nothing that belongs to the program may run, or end it, while the pool is held: libuv waits for
// the pool's threads when a process exits.
void let_pool_go(Rest* current) {
  if (current->hold != nullptr) release_pool(current->hold);
  current->hold = nullptr;
}

void end_rest(Rest* ended) {
  let_pool_go(ended);
  napi_delete_reference(ended->env, ended->callback);
  close_handle(reinterpret_cast<uv_handle_t*>(&ended->bottom));
  close_handle(reinterpret_cast<uv_handle_t*>(&ended->unblocked));
}

// In a child `rest` is nullptr by then, or a rest of its own.
void call_back(uv_check_t* handle) {
  auto* current = static_cast<Rest*>(handle->data);
  uv_check_stop(&current->bottom);
  uv_idle_stop(&current->unblocked);
  {
    const Napi::HandleScope scope(current->env);
    call_from_loop(current->env, current->callback);
  }
  if (rest != current) return;
  rest = nullptr;
  end_rest(current);
}

void pool_is_held(void* context) {
  auto* current = static_cast<Rest*>(context);
  uv_idle_start(&current->unblocked, [](uv_idle_t*) {});
  uv_check_start(&current->bottom, call_back);
  move_check_to_end(&current->bottom);
}

}  // namespace

// Once, while the loop's newest handle is one port of a MessageChannel. 0, or -ENOSYS where a quiet
// fork cannot be.
Napi::Value prepare_quiet(const Napi::CallbackInfo& info) {
  uv_loop_t* const loop = loop_of(info.Env());
  learn_message_callback(loop);
  const auto nothing = Napi::Function::New(info.Env(), [](const Napi::CallbackInfo&) {});
  const auto name = Napi::String::New(info.Env(), "prefork");
  napi_threadsafe_function function = nullptr;
  if (napi_create_threadsafe_function(info.Env(), nothing, nullptr, name, 0, 1, nullptr, nullptr,
                                      nullptr, nullptr, &function) == napi_ok) {
    learn_message_callback(loop);
    napi_release_threadsafe_function(function, napi_tsfn_abort);
  }
  learn_pool_routine(own_start_routine);
  leaving.node = code_extent_of(node_symbol());
  leaving.libuv = code_extent_of(reinterpret_cast<const void*>(uv_run));
  leaving.builtins = builtins_extent();
  leaving.is_held_up = is_held_up;
  return number(info.Env(), find_fork_handlers(leaving.libuv, fork_handlers));
}

// (milliseconds, alone, callback): calls back at the bottom of the loop, when all threads of the
// pool are held up or the time is over: 0, or -EBUSY if that is pending already.
Napi::Value call_at_rest(const Napi::CallbackInfo& info) {
  if (rest != nullptr) return number(info.Env(), -EBUSY);
  uv_loop_t* const loop = loop_of(info.Env());
  auto* fresh = new Rest();
  fresh->env = info.Env();
  fresh->alone = info[1].As<Napi::Boolean>().Value();
  fresh->handles = 2;
  fresh->bottom.data = fresh;
  fresh->unblocked.data = fresh;
  const auto milliseconds = static_cast<uint64_t>(integer(info[0]));
  learn_pool_size();
  fresh->hold = hold_pool(loop, milliseconds, pool_is_held, fresh);
  if (fresh->hold == nullptr) {
    delete fresh;
    return number(info.Env(), -ENOMEM);
  }
  napi_create_reference(info.Env(), info[2], 1, &fresh->callback);
  uv_check_init(loop, &fresh->bottom);
  uv_idle_init(loop, &fresh->unblocked);
  rest = fresh;
  return number(info.Env(), 0);
}

Napi::Value let_pool_go_on(const Napi::CallbackInfo& info) {
  if (rest != nullptr) let_pool_go(rest);
  return info.Env().Undefined();
}

int prepare_quiet_fork(napi_env env, const LeavingBehind** what) {
  if (rest == nullptr || rest->hold == nullptr) return -EINVAL;
  const int found = find_fork_handlers(leaving.libuv, fork_handlers);
  if (found < 0) return found;
  missing_threads = threads_not_held(rest->hold, rest->alone);
  leaving.pool_routine = pool_routine();
  *what = &leaving;
  if (leaving.pool_routine != 0) return 0;
  return is_any_held(rest->hold) ? -ENOSYS : -EBUSY;
}

// libuv's own handlers come first: one makes its pool new, the other the lock of its signals.
void become_quiet(napi_env env) {
  rest = nullptr;
  forget_holds();
  for (int i = 0; i < fork_handlers.count; ++i) fork_handlers.in_child[i]();
  quiet_loop(loop_of(env), node_symbol());
  renew_pool(loop_of(env), missing_threads);
}

}  // namespace prefork
