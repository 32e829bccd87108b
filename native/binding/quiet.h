// What a quiet fork needs before and after the fork itself. See fork/left_behind.h,
// loop/quiet_loop.h.
#pragma once

#include <napi.h>

#include "fork/left_behind.h"

namespace prefork {

// In the parent, in the callback of call_at_rest(). 0, -EINVAL elsewhere, -EBUSY if no thread of
// the pool could be held up, -ENOSYS where something is missing.
int prepare_quiet_fork(napi_env env, const LeavingBehind** leaving);

// In the child, before any JavaScript.
void become_quiet(napi_env env);

}  // namespace prefork
