#include "binding/binding.h"
#include "posix/fork.h"

// The export table: what lib/binding.ts declares, and nothing else.
static Napi::Object init(Napi::Env, Napi::Object exports) {
  prefork::prepare_fork();
  using prefork::method;
  method(exports, "fork", prefork::fork);
  return exports;
}

NODE_API_MODULE(prefork, init)
