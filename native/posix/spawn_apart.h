// Programs that a thread starts outside this process's group.
//
// A signal for the group, such as SIGUSR1 of an operator who has log files opened anew, also comes
// to a process that has just been forked to become another program. libuv has it blocked there
// until right before execve(2), and has by then made every signal do what it does by default, which
// is to end the process (src/unix/process.c, uv__process_child_init): the program never runs.
// `detached` comes too late: what came before setsid(2) is pending.
//
// Invariant: what fork(3) makes in a thread between spawn_apart(true) and spawn_apart(false) leads
// a session of its own, and has forgotten every signal that came to it as one of the group, before
// anything else is done in it. fork() of this package does not call fork(3).
#pragma once

namespace prefork {

// For the calling thread, one at a time: 0 or -errno.
int spawn_apart(bool apart);

}  // namespace prefork
