// The environments of this process (the main thread's and each worker's) that have loaded the
// addon.
//
// When one of them forks, the others live on in the child too, with the parent's pid, random
// numbers and child processes in their JavaScript. Each is told so before its thread goes on, and
// puts it right before anything else comes out of its loop.
#pragma once

#include <napi.h>

namespace prefork {

// Once for each environment, when it loads the addon.
void register_environment(Napi::Env env);

// What wait.cc has open in an environment's loop; nullptr until it first waits.
struct Waits;
Waits*& waits_slot(napi_env env);

// In a child, where `forking` has kept its thread's number (ForkOptions::keeps_tid): it takes the
// new one at the next turn of its loop. By then everything has returned that had called JavaScript
// with a lock held.
void settle_when_loop_turns(napi_env forking);

// Keeps environments from coming and going while `forking` forks. To be held across the fork, for
// no thread that changes the list may be stopped in the middle of it.
class HeldEnvironments {
 public:
  explicit HeldEnvironments(napi_env forking);
  ~HeldEnvironments();

  // In the child, while the other threads still stand: each other environment will call what it
  // gave to on_fork_elsewhere().
  static void tell_others();
};

}  // namespace prefork
