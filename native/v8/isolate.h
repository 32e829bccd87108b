// V8's isolate, by functions of V8 that Node-API lacks. Without V8's headers each is looked up by
// its mangled name, the same since 2014, and may be missing.
#pragma once

#include <stdint.h>

#include "posix/loaded_object.h"

namespace prefork {

// The calling thread's; 0 if it cannot be had.
uintptr_t current_isolate();

// The built-in functions of JavaScript as machine code, the interpreter among them; empty if it
// cannot be had.
Extent builtins_extent();

using Interrupt = void (*)(void* isolate, void* data);
using RequestInterrupt = void (*)(void* isolate, Interrupt interrupt, void* data);

// v8::Isolate::RequestInterrupt, for any thread to call; nullptr if it cannot be had.
RequestInterrupt find_request_interrupt();

}  // namespace prefork
