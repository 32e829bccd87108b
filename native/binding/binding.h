// Natives as JavaScript sees them: arguments in (lib/ has checked them), a value or -errno out.
#pragma once

// For size: napi.h makes an error object at each call that could fail, in inlined code, which is a
// third of the whole addon. Nothing here has to be fast.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("Os")
#endif

#include <napi.h>
#include <node_api.h>

namespace prefork {

using Native = Napi::Value (*)(const Napi::CallbackInfo& info);

inline void method(Napi::Object exports, const char* name, Native native) {
  exports.Set(name, Napi::Function::New(exports.Env(), native, name));
}

inline int32_t integer(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

inline Napi::Value number(Napi::Env env, double value) { return Napi::Number::New(env, value); }

// The event loop of an environment's thread; nullptr where there is none any more.
inline uv_loop_s* loop_of(napi_env env) {
  uv_loop_s* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  return loop;
}

// acceptor.cc
Napi::Value start_accepting(const Napi::CallbackInfo& info);
Napi::Value stop_accepting(const Napi::CallbackInfo& info);
Napi::Value keep_loop_alive(const Napi::CallbackInfo& info);
// by_address.cc
Napi::Value choose_by_address(const Napi::CallbackInfo& info);

// channel.cc
Napi::Value open_channel(const Napi::CallbackInfo& info);
Napi::Value send_message(const Napi::CallbackInfo& info);
Napi::Value receive_message(const Napi::CallbackInfo& info);
Napi::Value await_message(const Napi::CallbackInfo& info);

// environments.cc
Napi::Value on_fork_elsewhere(const Napi::CallbackInfo& info);

// fork.cc
Napi::Value fork(const Napi::CallbackInfo& info);
Napi::Value what_fork_misses(const Napi::CallbackInfo& info);
Napi::Value requests_in_flight(const Napi::CallbackInfo& info);
Napi::Value requests_finished_closes(const Napi::CallbackInfo& info);
Napi::Value restart_lost_watchers(const Napi::CallbackInfo& info);
Napi::Value loop_owns_socket_files(const Napi::CallbackInfo& info);
Napi::Value loop_disown_socket_files(const Napi::CallbackInfo& info);
Napi::Value share_credentials(const Napi::CallbackInfo& info);

// give_way.cc
Napi::Value start_giving_way(const Napi::CallbackInfo& info);
Napi::Value stop_giving_way(const Napi::CallbackInfo& info);
Napi::Value never_give_way(const Napi::CallbackInfo& info);

// heap.cc
Napi::Value gather_heap(const Napi::CallbackInfo& info);
Napi::Value heap_range(const Napi::CallbackInfo& info);
Napi::Value heap_to_huge_pages(const Napi::CallbackInfo& info);

// held_signals.cc
Napi::Value hold_signals(const Napi::CallbackInfo& info);
Napi::Value take_held_signals(const Napi::CallbackInfo& info);
Napi::Value release_signal(const Napi::CallbackInfo& info);

// loop.cc
Napi::Value list_active_handles(const Napi::CallbackInfo& info);

// memory.cc
Napi::Value map_memory_file(const Napi::CallbackInfo& info);
Napi::Value limit_memory(const Napi::CallbackInfo& info);

// output.cc
Napi::Value write_bytes_now(const Napi::CallbackInfo& info);
Napi::Value await_room_for_output(const Napi::CallbackInfo& info);
Napi::Value label_lines(const Napi::CallbackInfo& info);
Napi::Value send_text_datagram(const Napi::CallbackInfo& info);
Napi::Value hears_datagrams(const Napi::CallbackInfo& info);

// paths.cc
Napi::Value open_path_at(const Napi::CallbackInfo& info);
Napi::Value unlink_path_at(const Napi::CallbackInfo& info);
Napi::Value lock_whole_file(const Napi::CallbackInfo& info);
Napi::Value is_socket_served(const Napi::CallbackInfo& info);

// process.cc
Napi::Value exit_at_once(const Napi::CallbackInfo& info);
Napi::Value get_pid(const Napi::CallbackInfo& info);
Napi::Value get_parent_pid(const Napi::CallbackInfo& info);
Napi::Value set_alarm(const Napi::CallbackInfo& info);
Napi::Value open_pipe(const Napi::CallbackInfo& info);
Napi::Value is_shared_pipe_end(const Napi::CallbackInfo& info);
Napi::Value open_socket_pair(const Napi::CallbackInfo& info);
Napi::Value duplicate_descriptor(const Napi::CallbackInfo& info);
Napi::Value trim_memory(const Napi::CallbackInfo& info);
Napi::Value take_free_memory(const Napi::CallbackInfo& info);
Napi::Value start_session(const Napi::CallbackInfo& info);
Napi::Value join_process_group(const Napi::CallbackInfo& info);
Napi::Value get_process_group(const Napi::CallbackInfo& info);
Napi::Value get_session(const Napi::CallbackInfo& info);
Napi::Value signal_process(const Napi::CallbackInfo& info);
Napi::Value signal_group(const Napi::CallbackInfo& info);
Napi::Value change_niceness(const Napi::CallbackInfo& info);
Napi::Value lock_file(const Napi::CallbackInfo& info);
Napi::Value set_thread_affinity(const Napi::CallbackInfo& info);
Napi::Value get_thread_affinity(const Napi::CallbackInfo& info);
Napi::Value signal_on_parent_death(const Napi::CallbackInfo& info);
Napi::Value end_with_parent(const Napi::CallbackInfo& info);
Napi::Value disarm(const Napi::CallbackInfo& info);
Napi::Value set_spawn_apart(const Napi::CallbackInfo& info);
Napi::Value set_close_on_exec(const Napi::CallbackInfo& info);

// disposition.cc
Napi::Value get_disposition(const Napi::CallbackInfo& info);
Napi::Value replace_disposition(const Napi::CallbackInfo& info);

// exec.cc
Napi::Value execute_program(const Napi::CallbackInfo& info);
Napi::Value hand_process_over(const Napi::CallbackInfo& info);

// pass_descriptors.cc
Napi::Value send_descriptors(const Napi::CallbackInfo& info);
Napi::Value receive_descriptors(const Napi::CallbackInfo& info);
Napi::Value is_blocking_descriptor(const Napi::CallbackInfo& info);

// readiness.cc
Napi::Value start_readiness(const Napi::CallbackInfo& info);
Napi::Value stop_readiness(const Napi::CallbackInfo& info);
Napi::Value keep_alive_for_readiness(const Napi::CallbackInfo& info);
Napi::Value open_poll_set(const Napi::CallbackInfo& info);
Napi::Value add_to_poll_set(const Napi::CallbackInfo& info);
Napi::Value remove_from_poll_set(const Napi::CallbackInfo& info);
Napi::Value readable_in_poll_set(const Napi::CallbackInfo& info);
Napi::Value open_process_descriptor(const Napi::CallbackInfo& info);

// shared_block.cc
Napi::Value make_shared_block(const Napi::CallbackInfo& info);

// socket.cc
Napi::Value resolve_stream_addresses(const Napi::CallbackInfo& info);
Napi::Value open_stream_socket(const Napi::CallbackInfo& info);
Napi::Value open_datagram_socket(const Napi::CallbackInfo& info);
Napi::Value get_socket_option(const Napi::CallbackInfo& info);
Napi::Value set_socket_option(const Napi::CallbackInfo& info);
Napi::Value refuse_new_connections(const Napi::CallbackInfo& info);
Napi::Value refuses_new_connections(const Napi::CallbackInfo& info);
Napi::Value list_unmade_connections(const Napi::CallbackInfo& info);
Napi::Value has_pending_connection(const Napi::CallbackInfo& info);
Napi::Value unix_queue_length(const Napi::CallbackInfo& info);
Napi::Value bind_inet_socket(const Napi::CallbackInfo& info);
Napi::Value bind_unix_socket(const Napi::CallbackInfo& info);
Napi::Value listen_socket(const Napi::CallbackInfo& info);
Napi::Value socket_name(const Napi::CallbackInfo& info);
Napi::Value close_socket(const Napi::CallbackInfo& info);
Napi::Object socket_constants(Napi::Env env);

// quiet.cc
Napi::Value prepare_quiet(const Napi::CallbackInfo& info);
Napi::Value call_at_rest(const Napi::CallbackInfo& info);
Napi::Value let_pool_go_on(const Napi::CallbackInfo& info);

// random.cc
Napi::Value random_is_known(const Napi::CallbackInfo& info);
Napi::Value random_survey(const Napi::CallbackInfo& info);
Napi::Value random_renew(const Napi::CallbackInfo& info);
Napi::Value random_fill(const Napi::CallbackInfo& info);

// private_memory.cc
Napi::Value measure_private_memory(const Napi::CallbackInfo& info);

// stack_report.cc
Napi::Value report_stack_on_request(const Napi::CallbackInfo& info);
Napi::Value request_stack(const Napi::CallbackInfo& info);

// supervise.cc
Napi::Value begin_supervising(const Napi::CallbackInfo& info);
Napi::Value await_news(const Napi::CallbackInfo& info);
Napi::Value reap_any_child(const Napi::CallbackInfo& info);
Napi::Value end_supervising(const Napi::CallbackInfo& info);
Napi::Value has_child(const Napi::CallbackInfo& info);
Napi::Value shared_memory(const Napi::CallbackInfo& info);
Napi::Value open_memory_file(const Napi::CallbackInfo& info);
Napi::Value forget_beginning_of_file(const Napi::CallbackInfo& info);
Napi::Value share_memory_file(const Napi::CallbackInfo& info);
Napi::Value are_signals_blocked(const Napi::CallbackInfo& info);
Napi::Value release_signals_at_start(const Napi::CallbackInfo& info);

// turns.cc
Napi::Value take_turns(const Napi::CallbackInfo& info);
Napi::Value set_turn_socket(const Napi::CallbackInfo& info);
Napi::Value set_turn_order(const Napi::CallbackInfo& info);

// wait.cc
Napi::Value begin_wait(const Napi::CallbackInfo& info);
Napi::Value end_wait(const Napi::CallbackInfo& info);
Napi::Value next_signal(const Napi::CallbackInfo& info);
Napi::Value sleep_until_signal(const Napi::CallbackInfo& info);
Napi::Value wait_now(const Napi::CallbackInfo& info);
Napi::Value wait_id_now(const Napi::CallbackInfo& info);
Napi::Value note_child_pid(const Napi::CallbackInfo& info);
Napi::Value watch_pid(const Napi::CallbackInfo& info);
Napi::Value unwatch_pid(const Napi::CallbackInfo& info);
Napi::Value real_process(const Napi::CallbackInfo& info);

}  // namespace prefork
