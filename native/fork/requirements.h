// What fork() cannot do without, for the message when it fails.
#pragma once

namespace prefork {

// The name of the first system call, or file of /proc, that fork() needs and that the kernel, a
// seccomp filter or the mounts do not let this thread have; nullptr if nothing is missing. Tries
// each in a way that has no effect.
const char* missing_requirement();

}  // namespace prefork
