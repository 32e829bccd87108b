// eventfd: a counter. Left shared, parent and child would take each other's wake-ups.
#pragma once

#include "fork/descriptor.h"

namespace prefork {

// In the child, all threads stopped: one of the child's own, with the same count.
int renew_eventfd(const Descriptor& old);

}  // namespace prefork
