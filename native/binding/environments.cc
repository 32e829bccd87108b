#include "binding/environments.h"

#include <pthread.h>

#include "binding/binding.h"

namespace prefork {

namespace {

struct Environment {
  napi_threadsafe_function call;
  napi_ref became_child;
  Environment* next;
};

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
Environment* environments;

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

// Runs before Node takes down the thread-safe function: clean-up hooks run in reverse order.
void remove(void* data) {
  auto* environment = static_cast<Environment*>(data);
  pthread_mutex_lock(&lock);
  Environment** link = &environments;
  while (*link != environment) link = &(*link)->next;
  *link = environment->next;
  pthread_mutex_unlock(&lock);
}

void free_environment(napi_env, void* environment, void*) {
  delete static_cast<Environment*>(environment);
}

// In the loop of the environment. An exception is Node's to report, as for any callback.
void call_became_child(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;
  napi_value function = nullptr, receiver = nullptr;
  napi_get_reference_value(env, static_cast<Environment*>(context)->became_child, &function);
  napi_get_global(env, &receiver);
  if (function != nullptr) napi_call_function(env, receiver, function, 0, nullptr, nullptr);
}

}  // namespace

void register_environment(Napi::Env env) {
  auto* environment = new Environment();
  napi_set_instance_data(env, environment, free_environment, nullptr);
  napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "prefork"), 0, 1,
                                  nullptr, nullptr, environment, call_became_child,
                                  &environment->call);
  napi_unref_threadsafe_function(env, environment->call);
  napi_add_env_cleanup_hook(env, remove, environment);
  add(environment);
}

void tell_other_environments(napi_env forking) {
  const Environment* own = find(forking);
  pthread_mutex_lock(&lock);
  for (Environment* environment = environments; environment != nullptr;
       environment = environment->next) {
    if (environment != own)
      napi_call_threadsafe_function(environment->call, nullptr, napi_tsfn_nonblocking);
  }
  pthread_mutex_unlock(&lock);
}

// A sandbox such as Jest's loads the package again and again: the last one counts.
Napi::Value on_fork_elsewhere(const Napi::CallbackInfo& info) {
  Environment* environment = find(info.Env());
  if (environment->became_child != nullptr)
    napi_delete_reference(info.Env(), environment->became_child);
  napi_create_reference(info.Env(), info[0], 1, &environment->became_child);
  return info.Env().Undefined();
}

}  // namespace prefork
