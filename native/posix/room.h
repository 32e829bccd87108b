// Workers that share a listening socket: which of them has room for the next connection.
//
// Each says in a line of shared memory how many connections it has. Nobody locks anything: a line
// is read while its worker writes it, and a worker may write what it likes. So a line decides how
// long others wait for somebody, which is bounded (loop/give_way.h), and nothing else.
#pragma once

#include <stdint.h>

namespace prefork {

// A line of the scoreboard, in the order of its fields there (lib/manager/scoreboard.ts).
struct Line {
  double pid, id, generation, restarts;
  double state;
  double started_at, beat, requests;
  double connections;
  double loop_delay, heap_used, private_memory, stack_wanted, draining, ending, reopened;
};
static_assert(sizeof(Line) == 128, "a line is two cache lines");

// What belongs to a line and no JavaScript reads, one for each.
struct alignas(64) Mark {
  uint32_t accepts_from;  // a bit for each socket, see bit_of
  uint32_t looks;         // how often it has looked at a queue
};

// Of a listening socket, the same in all processes that share it. Two sockets may have the same
// one: then some wait a moment for others that do not serve theirs. 0 where there is none.
uint32_t bit_of(int socket);

// How many connections wait to be accepted from a TCP socket that listens; -errno for any other.
int waiting_connections(int socket);

// What a worker remembers of another that it has left connections to.
struct Absence {
  uint64_t until;  // nobody waits for it before; milliseconds
  uint64_t ran;    // processor time, nanoseconds
  uint32_t looks;
  uint32_t times;     // in a row
  bool ends_by_look;  // as soon as it has looked again
};

// As one worker sees the others.
struct View {
  const Line* lines;
  const Mark* marks;
  const int32_t* count;  // of lines in use
  uint32_t most;         // lines there are
  uint32_t own;          // its line
  uint32_t socket_bit;
  uint64_t young_until;  // before, workers that boot are waited for; milliseconds
  Absence* absences;     // by line
};

// How many connections the others would have to take until each has as many as this one: those that
// are ready and accept from the socket, or boot while this one is young, and are not absent.
double room_elsewhere(const View& view, uint64_t now);

// Before a wait for those that have fewer.
void begin_to_wait(const View& view, uint64_t now);

// After a moment of it: of those that have not looked meanwhile, the ones that are not about to,
// because they are busy with more than their first requests, or stopped, are absent until they look
// again, or for a while, twice as long each time. With `is_over` all that have fewer are absent,
// whatever they do.
void note_absences(const View& view, uint64_t now, bool is_over);

}  // namespace prefork
