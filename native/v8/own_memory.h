// Reads and writes of this process's memory at addresses that may be wrong: they fail instead of
// ending the process.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "posix/syscall.h"

namespace prefork {

namespace own_memory {

// process_vm_readv or process_vm_writev, of the memory of the caller's own process.
inline long transfer(long call, const iovec& local, const iovec* remote, size_t count) {
  return sys(call, sys(SYS_getpid), &local, 1L, remote, count, 0L);
}

// The whole of `local` from or to `pieces` of memory, or false.
inline bool transfer_all(long call, const iovec& local, const iovec* pieces, size_t count) {
  return transfer(call, local, pieces, count) == static_cast<long>(local.iov_len);
}

}  // namespace own_memory

inline iovec piece(uintptr_t address, size_t size) {
  return {reinterpret_cast<void*>(address), size};
}

// Reads one piece of memory after the other into `to`.
template <typename To, size_t count>
bool peek_pieces(const iovec (&pieces)[count], To& to) {
  return own_memory::transfer_all(SYS_process_vm_readv, {&to, sizeof to}, pieces, count);
}

// Writes `from` to one piece of memory after the other.
template <typename From, size_t count>
bool poke_pieces(const iovec (&pieces)[count], From& from) {
  return own_memory::transfer_all(SYS_process_vm_writev, {&from, sizeof from}, pieces, count);
}

inline bool peek(uintptr_t address, void* to, size_t size) {
  const iovec remote = piece(address, size);
  return own_memory::transfer_all(SYS_process_vm_readv, {to, size}, &remote, 1);
}

// Reads `count` pieces of one size; those that cannot be read are left as they are.
template <typename Piece>
void peek_each(const uintptr_t* addresses, Piece* to, size_t count) {
  constexpr size_t kBatch = 64;
  for (size_t done = 0; done < count;) {
    iovec remote[kBatch];
    size_t size = 0;
    for (; size < kBatch && done + size < count; ++size) {
      remote[size] = piece(addresses[done + size], sizeof(Piece));
    }
    const iovec local = {to + done, size * sizeof(Piece)};
    const long read = own_memory::transfer(SYS_process_vm_readv, local, remote, size);
    const size_t pieces = read < 0 ? 0 : static_cast<size_t>(read) / sizeof(Piece);
    done += pieces == size ? size : pieces + 1;  // it stops before the first that it cannot read
  }
}

inline uintptr_t peek_word(uintptr_t address) {
  uintptr_t word = 0;
  return peek(address, &word, sizeof word) ? word : 0;
}

}  // namespace prefork
