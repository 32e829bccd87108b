#include "binding/binding.h"

// The export table: what lib/binding.ts declares, and nothing else.
static Napi::Object init(Napi::Env env, Napi::Object exports) { return exports; }

NODE_API_MODULE(prefork, init)
