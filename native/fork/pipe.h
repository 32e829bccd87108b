// A pipe of which both ends are in this process: the bytes in it are this process's own.
#pragma once

#include "fork/descriptor.h"

namespace prefork {

// In the child, all threads stopped: gives it a pipe of its own, with the same bytes, in the place
// of all ends of this one; once for each pipe, when `end` is its first reading end.
int renew_pipe_if_private(const Descriptor& end, const Descriptors& all);

// Whether the other end of the pipe is in this process, too.
bool is_private_pipe(const Descriptor& end, const Descriptors& all);

}  // namespace prefork
