// The three things that C++ cannot say, for each processor: where a thread's TLS is, how to clone a
// thread onto a given stack, and how to leave a signal handler from somewhere else.
#pragma once

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

#if defined(__x86_64__)

// The kernel's signal frame is { return address, ucontext, siginfo, … } upwards from the address at
// which the handler was entered (arch/x86/include/asm/sigframe.h, struct rt_sigframe).
inline void* frame_of(siginfo_t*, void* ucontext) {
  return static_cast<char*>(ucontext) - sizeof(void*);
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
