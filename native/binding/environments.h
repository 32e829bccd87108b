// The environments of this process (the main thread's and each worker's) that have loaded the
// addon.
//
// When one of them forks, the others live on in the child too, with the parent's pid, random
// numbers and child processes in their JavaScript. Each is told so, and puts it right in the next
// turn of its own loop.
#pragma once

#include <napi.h>

namespace prefork {

// Once for each environment, when it loads the addon.
void register_environment(Napi::Env env);

// In the child: calls what each environment but `forking` gave to on_fork_elsewhere().
void tell_other_environments(napi_env forking);

}  // namespace prefork
