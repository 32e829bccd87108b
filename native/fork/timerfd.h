// timerfd: a clock, and when it rings.
#pragma once

#include "fork/descriptor.h"

namespace prefork {

// In the child, all threads stopped: one of the child's own, that rings when the old one would.
int renew_timerfd(const Descriptor& old);

}  // namespace prefork
