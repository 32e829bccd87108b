// execve(2) of a process whose event loop may have changed its standard descriptors.
#pragma once

namespace prefork {

// Does not return, unless with -errno: then nothing has changed. `environment` nullptr: this
// process's own.
int execute(const char* path, char* const* arguments, char* const* environment);

}  // namespace prefork
