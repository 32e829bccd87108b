#include "binding/environments.h"

#include <pthread.h>
#include <uv.h>

#include "binding/binding.h"
#include "binding/call_from_loop.h"
#include "fork/left_behind.h"
#include "fork/settle.h"
#include "loop/first_async.h"
#include "posix/random.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

struct Bytes {
  void* data;
  size_t size;
};

constexpr uint32_t kMostSecrets = 2;

struct Environment {
  napi_env env;
  Bytes secrets[kMostSecrets];  // what Node has drawn in advance: other bytes in each child
  uv_async_t forked_elsewhere;
  uv_prepare_t next_turn;
  napi_ref became_child;
  Waits* waits;
  napi_async_cleanup_hook_handle cleanup;
  Environment* next;
};

// Held across the fork by the thread that forks, and so whole in the child: each of them lives on
// there.
pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
Environment* environments;
uv_loop_t* forking_loop;  // under the lock

Environment* find(napi_env env) {
  void* environment = nullptr;
  napi_get_instance_data(env, &environment);
  return static_cast<Environment*>(environment);
}

void add(Environment* environment) {
  pthread_mutex_lock(&lock);
  environment->next = environments;
  environments = environment;
  pthread_mutex_unlock(&lock);
}

void remove(Environment* environment) {
  pthread_mutex_lock(&lock);
  Environment** link = &environments;
  while (*link != environment) link = &(*link)->next;
  *link = environment->next;
  pthread_mutex_unlock(&lock);
}

void free_environment(uv_handle_t* handle) {
  auto* environment = static_cast<Environment*>(handle->data);
  const napi_async_cleanup_hook_handle cleanup = environment->cleanup;
  delete environment;
  napi_remove_async_cleanup_hook(cleanup);
}

void close_next_turn(uv_handle_t* handle) {
  auto* environment = static_cast<Environment*>(handle->data);
  uv_close(reinterpret_cast<uv_handle_t*>(&environment->next_turn), free_environment);
}

void close_environment(napi_async_cleanup_hook_handle, void* data) {
  auto* environment = static_cast<Environment*>(data);
  remove(environment);
  uv_close(reinterpret_cast<uv_handle_t*>(&environment->forked_elsewhere), close_next_turn);
}

// The main thread of a child that a worker thread has forked has JavaScript, too, and is never left
// behind: it forks.
bool runs_in_first_thread() { return static_cast<pid_t>(sys(SYS_gettid)) == getpid(); }

void call_became_child(uv_async_t* handle) {
  auto* environment = static_cast<Environment*>(handle->data);
  const Napi::HandleScope scope(environment->env);
  if (environment->became_child == nullptr) return;
  call_from_loop(environment->env, environment->became_child);
}

}  // namespace

void register_environment(Napi::Env env) {
  if (!runs_in_first_thread()) note_javascript_thread();
  auto* environment = new Environment();
  environment->env = env;
  environment->forked_elsewhere.data = environment;
  environment->next_turn.data = environment;
  if (open_first_async(loop_of(env), &environment->forked_elsewhere, call_became_child) < 0) {
    delete environment;
    Napi::Error::New(env, "prefork: no descriptor for the event loop").ThrowAsJavaScriptException();
    return;
  }
  uv_prepare_init(loop_of(env), &environment->next_turn);
  uv_unref(reinterpret_cast<uv_handle_t*>(&environment->next_turn));
  napi_set_instance_data(env, environment, nullptr, nullptr);
  napi_add_async_cleanup_hook(env, close_environment, environment, &environment->cleanup);
  add(environment);
}

Waits*& waits_slot(napi_env env) { return find(env)->waits; }

void settle_when_loop_turns(napi_env forking) {
  uv_prepare_start(&find(forking)->next_turn, [](uv_prepare_t* handle) {
    take_new_tid();
    uv_prepare_stop(handle);
  });
}

HeldEnvironments::HeldEnvironments(napi_env forking) {
  pthread_mutex_lock(&lock);
  forking_loop = loop_of(forking);
}

HeldEnvironments::~HeldEnvironments() { pthread_mutex_unlock(&lock); }

// By their loops: a sandbox such as Jest's has environments of its own in the forking thread.
void HeldEnvironments::tell_others() {
  for (Environment* environment = environments; environment != nullptr;
       environment = environment->next) {
    if (environment->forked_elsewhere.loop == forking_loop) continue;
    for (const Bytes& secret : environment->secrets) fill_randomly(secret.data, secret.size);
    uv_async_send(&environment->forked_elsewhere);
  }
}

// A sandbox such as Jest's loads the package again and again: the last one counts.
Napi::Value on_fork_elsewhere(const Napi::CallbackInfo& info) {
  Environment* environment = find(info.Env());
  if (environment->became_child != nullptr)
    napi_delete_reference(info.Env(), environment->became_child);
  napi_create_reference(info.Env(), info[0], 1, &environment->became_child);
  const auto secrets = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < secrets.Length() && i < kMostSecrets; ++i) {
    const auto array = Napi::Value(secrets.Get(i)).As<Napi::Uint8Array>();
    environment->secrets[i].data = const_cast<uint8_t*>(array.Data());
    environment->secrets[i].size = array.ByteLength();
  }
  return info.Env().Undefined();
}

}  // namespace prefork
