// Random numbers of threads that cannot do it for themselves.
#pragma once

#include "fork/threads.h"

namespace prefork {

// In the child, for each thread that was stopped, before it goes on.
void renew_random_of_stopped_thread(const StoppedThread& thread);

}  // namespace prefork
