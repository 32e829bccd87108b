#include "fork/threads.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "fork/arch.h"
#include "fork/event_loop.h"
#include "fork/kernel_state.h"
#include "fork/libc.h"
#include "fork/procfs.h"
#include "fork/settle.h"
#include "posix/futex.h"
#include "posix/syscall.h"

namespace prefork {

namespace {

constexpr int kMaxThreads = 16384;

// What a parked thread leaves behind: it lives on that thread's own stack, in its signal handler.
struct Parked {
  void* frame;  // the kernel's signal frame: all registers, the signal mask, the alternate stack
  bool idle;    // waiting in its event loop when it was stopped, so without a lock
  Position position;
  uint32_t slot;
  uint32_t generation;
  KernelState kernel;
};

// One slot for each thread that was asked to stop. A slot holds the ticket that its thread was sent
// (odd), the address of what it left behind when it parked (even), or 0 when it need not come or
// stay. A thread that answers too late finds its ticket gone.
struct Slot {
  std::atomic<uintptr_t> state;
  pid_t tid;  // 0: nobody's
  bool left_behind;
};

// The forking thread fills all this under the lock of critical.cc. The child restores its threads
// from its copy, which is useless there from the next stop on: that has another generation.
Slot slots[kMaxThreads];
int slot_count;

// The barrier is used again at once, while late threads may still be on their way out of the last
// one. So each stop has a generation, and a parked thread waits until its own has passed, or it is
// dismissed: its slot no longer its own.
Word generation{1};

// What parked threads sleep on: counts the releases and dismissals.
Word departures;

// The low bits of the generation, and below them how often threads have parked in it; and how often
// they were asked to. Neither is taken back when a thread is dismissed and asked again.
constexpr int kArrivalBits = 20;
Word arrived;
std::atomic<uint32_t> expected;

KernelState forking_thread;

// What parked threads are to do when they are released, and how many have.
std::atomic<void (*)()> on_release;
Word acted;

constexpr uint32_t arrivals_of(uint32_t generation_number) {
  return generation_number << kArrivalBits;
}

constexpr uintptr_t ticket_of(uint32_t generation_number, int slot) {
  return static_cast<uintptr_t>(generation_number) << 32 | static_cast<uintptr_t>(slot) << 1 | 1;
}

bool has_parked(const Slot& slot) {
  const uintptr_t state = slot.state.load();
  return state != 0 && (state & 1) == 0;
}

StoppedThread stopped_thread(const Slot& slot) {
  const auto* parked = reinterpret_cast<const Parked*>(slot.state.load());
  return {slot.tid, parked->kernel.tls, parked->idle, parked->position};
}

bool must_stay(const Parked& parked) {
  return generation.load() == parked.generation &&
         slots[parked.slot].state.load() == reinterpret_cast<uintptr_t>(&parked);
}

void wait_for_release(const Parked& parked) {
  for (;;) {
    const uint32_t seen = departures.load();
    if (!must_stay(parked)) return;
    futex_wait(departures, seen);
  }
}

void let_go() {
  departures.fetch_add(1);
  futex_wake_all(departures);
}

// A late one does not count in the next stop, which has other upper bits.
void announce_arrival(uint32_t my_generation) {
  uint32_t count = arrived.load();
  do {
    if (count >> kArrivalBits != arrivals_of(my_generation) >> kArrivalBits) return;
  } while (!arrived.compare_exchange_weak(count, count + 1));
  if (count + 1 >= arrivals_of(my_generation) + expected.load()) futex_wake_all(arrived);
}

void act() {
  void (*action)() = on_release.load();
  if (action == nullptr) return;
  action();
  acted.fetch_add(1);
  futex_wake_all(acted);
}

void park(uintptr_t ticket, siginfo_t* info, void* context) {
  const auto my_generation = static_cast<uint32_t>(ticket >> 32);
  Parked parked;
  parked.frame = frame_of(info, context);
  parked.idle = was_in_event_loop(context);
  parked.position = position_of(context);
  parked.slot = static_cast<uint32_t>(ticket) >> 1;
  restart_poll(context);
  parked.generation = my_generation;
  capture(parked.kernel);

  uintptr_t unanswered = ticket;
  Slot& slot = slots[parked.slot];
  if (!slot.state.compare_exchange_strong(unanswered, reinterpret_cast<uintptr_t>(&parked))) return;
  announce_arrival(my_generation);
  wait_for_release(parked);
  act();
}

// --- the signal handler

struct KernelSigaction {  // what rt_sigaction(2) itself takes
  void (*handler)(int, siginfo_t*, void*);
  unsigned long flags;
  void (*restorer)();
  uint64_t mask;
};

KernelSigaction previous;

// Somebody else's use of the same number: glibc's setuid(), say.
void pass_on(int signal, siginfo_t* info, void* context) {
  const auto handler = reinterpret_cast<uintptr_t>(previous.handler);
  if (handler > 1) previous.handler(signal, info, context);  // neither SIG_DFL nor SIG_IGN
}

void on_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const auto ticket = reinterpret_cast<uintptr_t>(info->si_value.sival_ptr);
  if (info->si_code == SI_TIMER && ticket == kSettle) {
    settle_if_in_event_loop(context);
    restart_poll(context);
  } else if (info->si_code != SI_QUEUE || (ticket & 1) == 0) {
    pass_on(signal, info, context);
  } else if (static_cast<uint32_t>(ticket >> 32) == generation.load()) {
    park(ticket, info, context);
  }
  errno = saved_errno;
}

#if defined(__x86_64__)
// x86-64 has no default way back from a handler (man 2 sigreturn, SA_RESTORER). gdb knows a signal
// frame by exactly these instructions.
__asm__(
    ".text\n"
    ".align 16\n"
    ".type prefork_restorer, @function\n"
    "prefork_restorer:\n"
    "mov $15, %rax\n"
    "syscall\n");
extern "C" __attribute__((visibility("hidden"))) void prefork_restorer();
constexpr unsigned long kSaRestorer = 0x04000000;
#endif

bool has_previous;

// Installed at each fork and never taken away: a thread that did not answer in time still has the
// signal pending, and by default it would end the process. Whose handler was there counts the first
// time only: later it may be that of another version of this addon, which passes on to this one.
int install_handler() {
  KernelSigaction action = {};
  action.handler = on_signal;
  action.flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  action.mask = ~uint64_t{0};
#if defined(__x86_64__)
  action.flags |= kSaRestorer;
  action.restorer = prefork_restorer;
#endif
  KernelSigaction old;
  const long result = sys(SYS_rt_sigaction, kStopSignal, &action, &old, sizeof action.mask);
  if (result == 0 && !has_previous) previous = old;
  has_previous = has_previous || result == 0;
  return static_cast<int>(result);
}

// --- asking and waiting

int ask(pid_t tid, uintptr_t ticket) {
  siginfo_t info = {};
  info.si_signo = kStopSignal;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = reinterpret_cast<void*>(ticket);
  return static_cast<int>(sys(SYS_rt_tgsigqueueinfo, getpid(), tid, kStopSignal, &info));
}

bool is_known(pid_t tid) {
  for (int i = 0; i < slot_count; ++i) {
    if (slots[i].tid == tid) return true;
  }
  return false;
}

int free_slot() {
  for (int i = 0; i < slot_count; ++i) {
    if (slots[i].tid == 0) return i;
  }
  return slot_count < kMaxThreads ? slot_count++ : -E2BIG;
}

// Asks a thread that was not asked yet; 1 if it was. One that has ended meanwhile needs no asking.
int ask_new(pid_t tid, uint32_t my_generation) {
  const int index = free_slot();
  if (index < 0) return index;
  const uintptr_t ticket = ticket_of(my_generation, index);
  slots[index].tid = tid;
  slots[index].left_behind = false;
  slots[index].state.store(ticket);
  expected.fetch_add(1);
  const int result = ask(tid, ticket);
  if (result == 0) return 1;
  expected.fetch_sub(1);
  slots[index].state.store(0);
  slots[index].tid = 0;
  return result == -ESRCH ? 0 : result;
}

// True for what never runs a handler: a thread that has ended but is still listed (a main thread
// that called pthread_exit), and the kernel's own io_uring and vhost workers, which are listed as
// threads of the process (linux/sched.h, PF_IO_WORKER and PF_USER_WORKER).
bool never_answers(pid_t tid) {
  constexpr uint64_t kIoWorker = 0x10, kUserWorker = 0x4000;
  Lines stat(thread_path(tid, "stat"));
  const char* line = stat.next();
  // No answer (EMFILE: a thread that still runs took the last descriptor) proves nothing.
  if (line == nullptr) return stat.error() == -ENOENT || stat.error() == -ESRCH;
  line = strrchr(line, ')') + 2;
  if (*line == 'Z' || *line == 'X') return true;
  for (int field = 3; field < 9; ++field) line = strchr(line, ' ') + 1;
  return (read_decimal(line) & (kIoWorker | kUserWorker)) != 0;
}

// Stops waiting for threads that will not come: one that was exiting when its signal was queued has
// ended with it.
void excuse_those_who_cannot_come() {
  for (int i = 0; i < slot_count; ++i) {
    uintptr_t state = slots[i].state.load();
    if ((state & 1) == 0) continue;
    const bool gone = sys(SYS_tgkill, getpid(), slots[i].tid, 0) == -ESRCH;
    if (!gone && !never_answers(slots[i].tid)) continue;
    if (slots[i].state.compare_exchange_strong(state, 0)) expected.fetch_sub(1);
    if (gone) slots[i].tid = 0;  // a new thread may get the number
  }
}

// Counts short sleeps instead of reading a clock: no time is to pass while the whole process is
// stopped (SIGSTOP, a debugger).
class Patience {
 public:
  explicit Patience(int milliseconds) : left_(milliseconds) {}

  bool is_over() const { return left_ <= 0; }

  void lose() { --left_; }

  // Waits for a change of `word`, which costs patience if none comes.
  bool hears(Word& word, uint32_t seen) {
    constexpr long kMillisecond = 1000 * 1000;
    futex_wait(word, seen, kMillisecond);
    if (word.load() != seen) return true;
    lose();
    return false;
  }

 private:
  int left_;
};

// 1: all have; 0: the silence was long enough for a recess.
int wait_until_all_have_parked(uint32_t my_generation, Patience& patience, int recesses) {
  constexpr int kSilence = 10;
  Patience with_silence((recesses + 1) * kSilence);
  while (!with_silence.is_over()) {
    const uint32_t seen = arrived.load();
    if (seen - arrivals_of(my_generation) >= expected.load()) return 1;
    if (patience.is_over()) return -ETIMEDOUT;
    if (!patience.hears(arrived, seen)) {
      with_silence.lose();
      excuse_those_who_cannot_come();
    }
  }
  return 0;
}

// Lets those who have parked run on for a moment, while those who have not remain asked. A thread
// that has blocked all signals may be waiting for a lock which one that has parked holds. So it is
// in glibc when a thread begins that was created with an affinity or a priority: its creator holds
// it up by a lock until it has set them (nptl/pthread_create.c, stopped_start).
void take_recess(int recesses) {
  for (int i = 0; i < slot_count; ++i) {
    if (!has_parked(slots[i])) continue;
    slots[i].state.store(0);
    slots[i].tid = 0;
  }
  let_go();
  let_threads_run(recesses);
}

// One look at the list of threads: asks the new ones. Answers how many there were, or -errno.
int ask_all_new(uint32_t my_generation, pid_t self) {
  int listed = 0;
  int news = 0;
  const int result = for_each_number("/proc/self/task", [&](int tid) {
    ++listed;
    if (tid == self || is_known(tid)) return 0;
    const int asked = ask_new(tid, my_generation);
    if (asked > 0) ++news;
    return asked < 0 ? asked : 0;
  });
  if (result < 0) return result;
  // The kernel may cut the listing short when a thread ends during it (fs/proc/base.c, next_tid).
  const bool complete = listed + 2 >= count_links("/proc/self/task");
  return news + (complete ? 0 : 1);
}

// Until a look finds nobody new while all others are parked: then there is nobody left to make one.
int stop_all(int milliseconds) {
  const uint32_t my_generation = generation.load();
  const auto self = static_cast<pid_t>(sys(SYS_gettid));
  Patience patience(milliseconds);
  if (!proc_is_of_our_namespace()) return -ENOENT;
  for (int recesses = 0;;) {
    const int news = ask_all_new(my_generation, self);
    if (news < 0) return news;
    const int waited = wait_until_all_have_parked(my_generation, patience, recesses);
    if (waited < 0) return waited;
    if (waited == 0) {
      take_recess(recesses++);
    } else if (news == 0) {
      return 0;
    }
  }
}

// Takes back the tickets of threads that have not answered.
void withdraw() {
  for (int i = 0; i < slot_count; ++i) {
    uintptr_t state = slots[i].state.load();
    if ((state & 1) != 0) slots[i].state.compare_exchange_strong(state, 0);
  }
}

// --- bringing back

// First steps of a thread in the child, on its own stack, with its own TLS.
[[noreturn]] void come_back(void* argument) {
  const auto* parked = static_cast<const Parked*>(argument);
  restore(parked->kernel, forking_thread);
  wait_for_release(*parked);
  if (parked->idle) {
    take_new_tid();
  } else {
    remember_scheduling(parked->kernel);
    start_settling();
  }
  sigreturn_to(parked->frame);
}

// Without CLONE_PARENT_SETTID: the new tid is not written at once (settle.h).
constexpr unsigned long kThreadFlags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
                                       CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                                       CLONE_CHILD_CLEARTID;

// What is below is dead in the child: the frames of the park loop, which nobody returns to.
void* free_stack_below(const Parked* parked) {
  constexpr uintptr_t kRoom = 256, kAlignment = 16;
  return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(parked) - kRoom) & ~(kAlignment - 1));
}

}  // namespace

int prepare_threads() {
  learn_thread_layout();
  return find_tid_word();
}

int stop_threads(int milliseconds) {
  slot_count = 0;
  expected.store(0);
  arrived.store(arrivals_of(generation.load()));
  capture(forking_thread);
  int result = install_handler();
  if (result == 0) result = stop_all(milliseconds);
  if (result < 0) {
    withdraw();
    release_threads();
  }
  return result;
}

void let_threads_run(int attempt) {
  constexpr long kStep = 100 * 1000, kLongest = 5 * 1000 * 1000;
  const long nanoseconds = attempt < kLongest / kStep ? (attempt + 1) * kStep : kLongest;
  const timespec pause = {0, nanoseconds};
  sys(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &pause, nullptr);
}

void release_threads() {
  generation.fetch_add(1);
  let_go();
}

int bring_back_threads() {
  for (int i = 0; i < slot_count; ++i) {
    if (!has_parked(slots[i]) || slots[i].left_behind) continue;
    auto* parked = reinterpret_cast<Parked*>(slots[i].state.load());
    const long tid = clone_onto(kThreadFlags, free_stack_below(parked), parked->kernel.cleared_word,
                                parked->kernel.tls, come_back, parked);
    if (tid < 0) return static_cast<int>(tid);
  }
  return 0;
}

void keep_tid() { remember_scheduling(forking_thread); }

bool leave_behind(bool (*stays)(const StoppedThread&), bool (*may_stay)(const StoppedThread&)) {
  bool may_all = true;
  for (int i = 0; i < slot_count; ++i) {
    if (!has_parked(slots[i])) continue;
    const StoppedThread thread = stopped_thread(slots[i]);
    slots[i].left_behind = stays(thread);
    if (slots[i].left_behind && !may_stay(thread)) may_all = false;
  }
  return may_all;
}

void for_each_stopped_thread(void (*visit)(const StoppedThread& thread)) {
  for (int i = 0; i < slot_count; ++i) {
    if (has_parked(slots[i])) visit(stopped_thread(slots[i]));
  }
}

int run_in_other_threads(void (*action)(), int milliseconds) {
  const int result = stop_threads(milliseconds);
  if (result < 0) return result;
  uint32_t all = 0;
  for (int i = 0; i < slot_count; ++i) all += has_parked(slots[i]) ? 1 : 0;
  acted.store(0);
  on_release.store(action);
  release_threads();
  for (uint32_t seen = acted.load(); seen < all; seen = acted.load()) futex_wait(acted, seen);
  on_release.store(nullptr);
  return 0;
}

}  // namespace prefork
