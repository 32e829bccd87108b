// The three things that C++ cannot say, for each processor: where a thread's TLS is, how to clone a
// thread onto a given stack, and how to leave a signal handler from somewhere else.
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <asm/prctl.h>
#endif

namespace prefork {

constexpr long kSmallNumber = 1 << 24;  // above every descriptor, below every address

using ThreadEntry = void (*)(void* argument);

// Whether a thread was waiting in its event loop when a signal interrupted it: in a call that fails
// with EINTR in spite of SA_RESTART (man 7 signal) and whose first argument is a small number,
// which leaves epoll_wait, select and clock_nanosleep.
//
// A thread in a condition variable's wait does not count: V8 waits there for its helpers while it
// holds a recursive mutex (IsolateSafepoint). Nor in a read: libuv holds a rwlock there (uv_spawn).
bool was_in_event_loop(const void* ucontext);

// Has a thread that a signal interrupted in poll(2), ppoll, select or pselect call it again: these
// fail with EINTR in spite of SA_RESTART, and libraries whose threads expect no signals take that
// for an error (@parcel/watcher: "Unable to poll: Interrupted system call"). poll starts again with
// its whole timeout, the others with what is left. Not on arm64, where the interrupted call's first
// argument is lost.
void restart_poll(void* ucontext);

#if defined(__x86_64__)

// The kernel's signal frame is { return address, ucontext, siginfo, … } upwards from the address at
// which the handler was entered (arch/x86/include/asm/sigframe.h, struct rt_sigframe).
inline void* frame_of(siginfo_t*, void* ucontext) {
  return static_cast<char*>(ucontext) - sizeof(void*);
}

inline bool was_in_event_loop(const void* ucontext) {
  const auto& registers = static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs;
  // Only then has there been an instruction before this one.
  if (registers[REG_RAX] != -EINTR || registers[REG_RDI] >= kSmallNumber) return false;
  const auto* code = reinterpret_cast<const uint8_t*>(registers[REG_RIP]) - 2;
  return code[0] == 0x0f && code[1] == 0x05;
}

// The number is in no register any more, but libc's wrappers have it in the instruction before the
// call: mov $number, %eax; syscall.
inline void restart_poll(void* ucontext) {
  auto& registers = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  const auto* code = reinterpret_cast<const uint8_t*>(registers[REG_RIP]);
  if (registers[REG_RAX] != -EINTR || code[-2] != 0x0f || code[-1] != 0x05) return;
  if (code[-7] != 0xb8 || code[-4] != 0 || code[-3] != 0) return;
  const int number = code[-6] | code[-5] << 8;
  if (number != SYS_poll && number != SYS_ppoll && number != SYS_select && number != SYS_pselect6) {
    return;
  }
  registers[REG_RAX] = number;
  registers[REG_RIP] -= 2;
}

// Asked of the kernel, not read through %fs: a thread that some runtime made with a bare clone may
// have no TLS at all.
inline uintptr_t thread_pointer() {
  uintptr_t pointer = 0;
  ::syscall(SYS_arch_prctl, ARCH_GET_FS, &pointer);
  return pointer;
}

// Starts `entry(argument)` in a new thread on `stack` (16-byte aligned, growing down), which must
// never return. Answers the new thread's tid or -errno.
inline long clone_onto(unsigned long flags, void* stack, pid_t* clear_tid, uintptr_t tls,
                       ThreadEntry entry, void* argument) {
  long result;
  register pid_t* r10 __asm__("r10") = clear_tid;
  register uintptr_t r8 __asm__("r8") = tls;
  register ThreadEntry r12 __asm__("r12") = entry;
  register void* r13 __asm__("r13") = argument;
  __asm__ volatile(
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "mov %%r13, %%rdi\n"
      "call *%%r12\n"
      "ud2\n"
      "1:\n"
      : "=a"(result)
      : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(nullptr), "r"(r10), "r"(r8), "r"(r12), "r"(r13)
      : "rcx", "r11", "memory");
  return result;
}

// Ends a signal handler: everything the kernel saved in the frame (registers, vector state, signal
// mask, alternate stack) becomes the calling thread's. The kernel expects the return address to
// have been popped (man 2 sigreturn; arch/x86/kernel/signal_64.c).
[[noreturn]] inline void sigreturn_to(void* frame) {
  __asm__ volatile(
      "mov %0, %%rsp\n"
      "syscall\n"
      "ud2\n"
      :
      : "r"(static_cast<char*>(frame) + sizeof(void*)), "a"(SYS_rt_sigreturn)
      : "memory");
  __builtin_unreachable();
}

#elif defined(__aarch64__)

// arch/arm64/kernel/signal.c, struct rt_sigframe: { siginfo, ucontext } at the stack pointer.
inline void* frame_of(siginfo_t* info, void*) { return info; }

// The first argument is in the register that now holds the result. What libuv calls, epoll_pwait,
// is told from a futex by the call's number, which stays in x8.
inline bool was_in_event_loop(const void* ucontext) {
  const auto& machine = static_cast<const ucontext_t*>(ucontext)->uc_mcontext;
  constexpr uint32_t kSvc = 0xd4000001;
  const bool after_syscall = reinterpret_cast<const uint32_t*>(machine.pc)[-1] == kSvc;
  return after_syscall && static_cast<long>(machine.regs[0]) == -EINTR &&
         machine.regs[8] == SYS_epoll_pwait;
}

inline void restart_poll(void*) {}

inline uintptr_t thread_pointer() {
  uintptr_t pointer;
  __asm__ volatile("mrs %0, tpidr_el0" : "=r"(pointer));
  return pointer;
}

inline long clone_onto(unsigned long flags, void* stack, pid_t* clear_tid, uintptr_t tls,
                       ThreadEntry entry, void* argument) {
  register long x0 __asm__("x0") = static_cast<long>(flags);
  register void* x1 __asm__("x1") = stack;
  register void* x2 __asm__("x2") = nullptr;
  register uintptr_t x3 __asm__("x3") = tls;
  register pid_t* x4 __asm__("x4") = clear_tid;
  register long x8 __asm__("x8") = SYS_clone;
  register ThreadEntry x19 __asm__("x19") = entry;
  register void* x20 __asm__("x20") = argument;
  __asm__ volatile(
      "svc #0\n"
      "cbnz x0, 1f\n"
      "mov x29, xzr\n"
      "mov x30, xzr\n"
      "mov x0, x20\n"
      "blr x19\n"
      "brk #0\n"
      "1:\n"
      : "+r"(x0)
      : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8), "r"(x19), "r"(x20)
      : "memory", "cc");
  return x0;
}

[[noreturn]] inline void sigreturn_to(void* frame) {
  register long x8 __asm__("x8") = SYS_rt_sigreturn;
  __asm__ volatile(
      "mov sp, %0\n"
      "svc #0\n"
      "brk #0\n"
      :
      : "r"(frame), "r"(x8)
      : "memory");
  __builtin_unreachable();
}

#else
#error "prefork knows how to bring threads back on x86-64 and arm64 only"
#endif

}  // namespace prefork
