#pragma once

#include <napi.h>

namespace prefork {

// A callback of the event loop; what it throws is an uncaught exception. Within a handle scope.
//
// Not by way of Napi::Function, which aborts the process if a thread that is just being terminated
// can run no JavaScript any more.
inline void call_from_loop(napi_env env, napi_ref reference, size_t count = 0,
                           const napi_value* arguments = nullptr) {
  napi_value global;
  napi_value callback;
  napi_value error;
  if (napi_get_global(env, &global) != napi_ok) return;
  if (napi_get_reference_value(env, reference, &callback) != napi_ok) return;
  if (napi_make_callback(env, nullptr, global, callback, count, arguments, nullptr) == napi_ok)
    return;
  bool thrown = false;
  if (napi_is_exception_pending(env, &thrown) != napi_ok || !thrown) return;
  napi_get_and_clear_last_exception(env, &error);
  napi_fatal_exception(env, error);
}

}  // namespace prefork
