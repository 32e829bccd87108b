// loop/held_signals.h as JavaScript sees it.
#include "loop/held_signals.h"

#include <node_api.h>

#include "binding/binding.h"
#include "binding/call_from_loop.h"

namespace prefork {

namespace {

struct Listener {
  napi_env env;
  napi_ref arrived;
  napi_async_cleanup_hook_handle cleanup;
};
Listener listener;  // of the main thread: signals belong to the process

void call_back() {
  const Napi::HandleScope scope(listener.env);
  call_from_loop(listener.env, listener.arrived);
}

void clean_up(napi_async_cleanup_hook_handle, void*) {
  stop_holding_signals([] { napi_remove_async_cleanup_hook(listener.cleanup); });
}

}  // namespace

// (signals, arrived)
Napi::Value hold_signals(const Napi::CallbackInfo& info) {
  const Napi::Int32Array signals = info[0].As<Napi::Int32Array>();
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(info.Env(), &loop);
  const int error = hold_signals(loop, signals.Data(), signals.ElementLength(), call_back);
  if (error == 0) {
    listener.env = info.Env();
    napi_create_reference(info.Env(), info[1], 1, &listener.arrived);
    napi_add_async_cleanup_hook(info.Env(), clean_up, nullptr, &listener.cleanup);
  }
  return Napi::Number::New(info.Env(), error);
}

Napi::Value take_held_signals(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), take_held_signals());
}

// (signal)
Napi::Value release_signal(const Napi::CallbackInfo& info) {
  release_signal(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

}  // namespace prefork
