#include "binding/binding.h"

using namespace prefork;

// The export table: what lib/binding.ts declares, and nothing else.
static Napi::Object init(Napi::Env env, Napi::Object exports) {
  method(exports, "process_exit", exit_at_once);
  method(exports, "process_getpid", get_pid);
  method(exports, "process_getppid", get_parent_pid);
  method(exports, "process_alarm", set_alarm);
  method(exports, "process_pipe", open_pipe);
  method(exports, "process_socketpair", open_socket_pair);
  method(exports, "process_dup2", duplicate_descriptor);
  method(exports, "process_setsid", start_session);
  method(exports, "process_setpgid", join_process_group);
  method(exports, "process_parent_death_signal", signal_on_parent_death);
  method(exports, "wait_begin", begin_wait);
  method(exports, "wait_end", end_wait);
  method(exports, "wait_next_signal", next_signal);
  method(exports, "wait_sleep", sleep_until_signal);
  method(exports, "wait_now", wait_now);
  method(exports, "wait_note_child", note_child_pid);
  method(exports, "wait_forget_children", forget_child_pids);
  method(exports, "wait_watch", watch_pid);
  method(exports, "wait_unwatch", unwatch_pid);
  method(exports, "wait_real_process", real_process);
  return exports;
}

NODE_API_MODULE(prefork, init)
