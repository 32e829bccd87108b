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

using ThreadEntry = void (*)(void* argument);

// The system call that failed with EINTR, in spite of SA_RESTART (man 7 signal), when a signal
// interrupted the thread.
struct InterruptedCall {
  long number;        // or one of the next two
  long first, sixth;  // arguments, where the number is not known
};
constexpr long kNoCall = -1, kUnknownCall = -2;

InterruptedCall interrupted_call(const void* ucontext);

// Where a signal has interrupted a thread: at which instruction, and, if that was in a system call
// which it makes again or which has failed with EINTR, in which one.
struct Position {
  uintptr_t code;
  long call;           // kNoCall: in none; kUnknownCall: in one that has failed with EINTR
  long second, third;  // its arguments
};

Position position_of(const void* ucontext);

// Has a thread that a signal interrupted in poll(2), ppoll, select or pselect call it again. These
// fail with EINTR in spite of SA_RESTART, and libraries that expect no signals in their threads
// take that for an error (@parcel/watcher: "Unable to poll: Interrupted system call"). poll starts
// again with its whole timeout, the others with what is left. Not on arm64, where the interrupted
// call's first argument is lost.
void restart_poll(void* ucontext);

#if defined(__x86_64__)

// The kernel's signal frame is { return address, ucontext, siginfo, … } upwards from the address at
// which the handler was entered (arch/x86/include/asm/sigframe.h, struct rt_sigframe).
inline void* frame_of(siginfo_t*, void* ucontext) {
  return static_cast<char*>(ucontext) - sizeof(void*);
}

// A call's number is in no register any more when it has failed. Up to glibc 2.40 the wrappers have
// it in the instructions before the call: mov $number, %eax, and perhaps mov offset(%rsp), %edi for
// a descriptor that was put aside. Later ones, and musl, make all calls that can be cancelled in
// one place.
inline long number_before(const uint8_t* syscall_instruction) {
  const uint8_t* code = syscall_instruction;
  if (code[-4] == 0x8b && code[-3] == 0x7c && code[-2] == 0x24) code -= 4;
  if (code[-5] != 0xb8 || code[-2] != 0 || code[-1] != 0) return kUnknownCall;
  return code[-4] | code[-3] << 8;
}

inline InterruptedCall interrupted_call(const void* ucontext) {
  const auto& registers = static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs;
  if (registers[REG_RAX] != -EINTR) return {kNoCall, 0, 0};
  const auto* code = reinterpret_cast<const uint8_t*>(registers[REG_RIP]) - 2;
  if (code[0] != 0x0f || code[1] != 0x05) return {kNoCall, 0, 0};
  return {number_before(code), static_cast<long>(registers[REG_RDI]),
          static_cast<long>(registers[REG_R9])};
}

// To make a call again the kernel puts its number back and the instruction ahead.
inline Position position_of(const void* ucontext) {
  const auto& registers = static_cast<const ucontext_t*>(ucontext)->uc_mcontext.gregs;
  const auto* code = reinterpret_cast<const uint8_t*>(registers[REG_RIP]);
  const bool again = code[0] == 0x0f && code[1] == 0x05;
  return {static_cast<uintptr_t>(registers[REG_RIP]),
          again ? static_cast<long>(registers[REG_RAX]) : interrupted_call(ucontext).number,
          static_cast<long>(registers[REG_RSI]), static_cast<long>(registers[REG_RDX])};
}

inline void restart_poll(void* ucontext) {
  auto& registers = static_cast<ucontext_t*>(ucontext)->uc_mcontext.gregs;
  const long number = interrupted_call(ucontext).number;
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

// The number stays in x8; the first argument was in the register that now holds the result.
inline InterruptedCall interrupted_call(const void* ucontext) {
  const auto& machine = static_cast<const ucontext_t*>(ucontext)->uc_mcontext;
  constexpr uint32_t kSvc = 0xd4000001;
  const bool after_syscall = reinterpret_cast<const uint32_t*>(machine.pc)[-1] == kSvc;
  if (!after_syscall || static_cast<long>(machine.regs[0]) != -EINTR) return {kNoCall, 0, 0};
  return {static_cast<long>(machine.regs[8]), 0, 0};
}

inline Position position_of(const void* ucontext) {
  const auto& machine = static_cast<const ucontext_t*>(ucontext)->uc_mcontext;
  constexpr uint32_t kSvc = 0xd4000001;
  const bool again = *reinterpret_cast<const uint32_t*>(machine.pc) == kSvc;
  return {static_cast<uintptr_t>(machine.pc),
          again ? static_cast<long>(machine.regs[8]) : interrupted_call(ucontext).number,
          static_cast<long>(machine.regs[1]), static_cast<long>(machine.regs[2])};
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
