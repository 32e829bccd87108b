#include "binding/binding.h"
#include "binding/copies.h"
#include "binding/environments.h"
#include "fork/fork.h"
#include "fork/libc.h"
#include "loop/pool_hold.h"

using namespace prefork;

// The export table: what lib/base/binding.ts declares, and nothing else.
static Napi::Object init(Napi::Env env, Napi::Object exports) {
  take_turns_with_other_versions();
  prepare_fork();
  learn_pool_size();
  register_environment(env);
  method(exports, "on_fork_elsewhere", on_fork_elsewhere);
  method(exports, "fork", prefork::fork);
  method(exports, "fork_misses", what_fork_misses);
  method(exports, "requests_in_flight", requests_in_flight);
  method(exports, "requests_finished_closes", requests_finished_closes);
  method(exports, "restart_lost_watchers", restart_lost_watchers);
  method(exports, "loop_owns_socket_files", loop_owns_socket_files);
  method(exports, "loop_disown_socket_files", loop_disown_socket_files);
  method(exports, "share_credentials", prefork::share_credentials);
  method(exports, "quiet_prepare", prepare_quiet);
  method(exports, "quiet_at_rest", call_at_rest);
  method(exports, "quiet_release", let_pool_go_on);
  method(exports, "heap_gather", prefork::gather_heap);
  method(exports, "heap_range", heap_range);
  method(exports, "heap_to_huge_pages", heap_to_huge_pages);
  method(exports, "random_is_known", random_is_known);
  method(exports, "random_survey", random_survey);
  method(exports, "random_renew", random_renew);
  method(exports, "random_fill", random_fill);
  method(exports, "socket_getaddrinfo", resolve_stream_addresses);
  method(exports, "socket_open", open_stream_socket);
  method(exports, "socket_open_datagram", open_datagram_socket);
  method(exports, "socket_getsockopt", get_socket_option);
  method(exports, "socket_setsockopt", set_socket_option);
  method(exports, "socket_refuse", refuse_new_connections);
  method(exports, "socket_is_refusing", refuses_new_connections);
  method(exports, "socket_handshakes", list_unmade_connections);
  method(exports, "socket_pending", has_pending_connection);
  method(exports, "socket_unix_queue_length", unix_queue_length);
  method(exports, "socket_bind_inet", bind_inet_socket);
  method(exports, "socket_bind_unix", bind_unix_socket);
  method(exports, "socket_listen", listen_socket);
  method(exports, "socket_getsockname", socket_name);
  method(exports, "socket_close", close_socket);
  method(exports, "accept_start", start_accepting);
  method(exports, "accept_stop", stop_accepting);
  method(exports, "accept_keep_alive", keep_loop_alive);
  method(exports, "give_way_start", start_giving_way);
  method(exports, "give_way_stop", stop_giving_way);
  method(exports, "give_way_never", never_give_way);
  method(exports, "loop_active_handles", list_active_handles);
  exports.Set("version", PREFORK_VERSION);
  exports.Set("libc", kLibc);
  exports.Set("socket_constants", socket_constants(env));
  method(exports, "output_write_now", write_bytes_now);
  method(exports, "output_await_room", await_room_for_output);
  method(exports, "output_label_lines", label_lines);
  method(exports, "output_send_datagram", send_text_datagram);
  method(exports, "output_is_heard", hears_datagrams);
  method(exports, "path_openat", open_path_at);
  method(exports, "path_unlinkat", unlink_path_at);
  method(exports, "path_lock", lock_whole_file);
  method(exports, "path_is_served", is_socket_served);
  method(exports, "process_exit", exit_at_once);
  method(exports, "process_getpid", get_pid);
  method(exports, "process_getppid", get_parent_pid);
  method(exports, "process_alarm", set_alarm);
  method(exports, "process_pipe", open_pipe);
  method(exports, "process_is_shared_pipe", is_shared_pipe_end);
  method(exports, "process_socketpair", open_socket_pair);
  method(exports, "process_dup2", duplicate_descriptor);
  method(exports, "process_trim_memory", trim_memory);
  method(exports, "process_take_free_memory", take_free_memory);
  method(exports, "process_setsid", start_session);
  method(exports, "process_setpgid", join_process_group);
  method(exports, "process_getpgid", get_process_group);
  method(exports, "process_getsid", get_session);
  method(exports, "process_kill", signal_process);
  method(exports, "process_killpg", signal_group);
  method(exports, "process_nice", change_niceness);
  method(exports, "process_flock", lock_file);
  method(exports, "process_setaffinity", set_thread_affinity);
  method(exports, "process_getaffinity", get_thread_affinity);
  method(exports, "process_parent_death_signal", signal_on_parent_death);
  method(exports, "process_end_with_parent", end_with_parent);
  method(exports, "process_disarm_signal", disarm);
  method(exports, "process_spawn_apart", set_spawn_apart);
  method(exports, "process_close_on_exec", set_close_on_exec);
  method(exports, "process_execve", execute_program);
  method(exports, "process_hand_over", hand_process_over);
  method(exports, "signal_get", get_disposition);
  method(exports, "signal_set", replace_disposition);
  method(exports, "fds_send", send_descriptors);
  method(exports, "fds_receive", receive_descriptors);
  method(exports, "fds_blocking", is_blocking_descriptor);
  method(exports, "channel_open", open_channel);
  method(exports, "channel_send", send_message);
  method(exports, "channel_receive", receive_message);
  method(exports, "channel_await", await_message);
  method(exports, "supervise_begin", begin_supervising);
  method(exports, "supervise_wait", await_news);
  method(exports, "supervise_reap", reap_any_child);
  method(exports, "supervise_end", end_supervising);
  method(exports, "supervise_has_child", has_child);
  method(exports, "shared_memory", shared_memory);
  method(exports, "shared_memory_file", share_memory_file);
  method(exports, "memory_file", open_memory_file);
  method(exports, "memory_file_map", map_memory_file);
  method(exports, "memory_limit", prefork::limit_memory);
  method(exports, "memory_file_forget", forget_beginning_of_file);
  method(exports, "shared_block", make_shared_block);
  method(exports, "readiness_start", start_readiness);
  method(exports, "readiness_stop", stop_readiness);
  method(exports, "readiness_keep_alive", keep_alive_for_readiness);
  method(exports, "poll_set_open", open_poll_set);
  method(exports, "poll_set_add", add_to_poll_set);
  method(exports, "poll_set_remove", remove_from_poll_set);
  method(exports, "poll_set_readable", readable_in_poll_set);
  method(exports, "process_descriptor", open_process_descriptor);
  method(exports, "signals_are_blocked", are_signals_blocked);
  method(exports, "signals_release_at_start", release_signals_at_start);
  method(exports, "signals_hold", hold_signals);
  method(exports, "signals_take", take_held_signals);
  method(exports, "signals_release", release_signal);
  method(exports, "private_memory_measure", measure_private_memory);
  method(exports, "stack_report_on_request", report_stack_on_request);
  method(exports, "stack_request", request_stack);
  method(exports, "by_address_choose", choose_by_address);
  method(exports, "turns_take", take_turns);
  method(exports, "turns_set_socket", set_turn_socket);
  method(exports, "turns_set_order", set_turn_order);
  method(exports, "wait_begin", begin_wait);
  method(exports, "wait_end", end_wait);
  method(exports, "wait_next_signal", next_signal);
  method(exports, "wait_sleep", sleep_until_signal);
  method(exports, "wait_now", wait_now);
  method(exports, "wait_id_now", wait_id_now);
  method(exports, "wait_note_child", note_child_pid);
  method(exports, "wait_watch", watch_pid);
  method(exports, "wait_unwatch", unwatch_pid);
  method(exports, "wait_real_process", real_process);
  return exports;
}

napi_value prefork_register(napi_env env, napi_value exports) {
  return Napi::RegisterModule(env, exports, init);
}

NAPI_MODULE_INIT() { return registrar()(env, exports); }
