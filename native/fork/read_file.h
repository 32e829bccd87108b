// A file that can only be read, and where in it the next read begins.
#pragma once

#include "fork/descriptor.h"

namespace prefork {

// In the child, all threads stopped: a description of the child's own, at the same position.
int renew_read_file(const Descriptor& old);

}  // namespace prefork
