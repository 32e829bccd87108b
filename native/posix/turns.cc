#include "posix/turns.h"

#include <linux/bpf.h>
#include <string.h>
#include <sys/socket.h>

#include "posix/syscall.h"

#ifndef SO_ATTACH_REUSEPORT_EBPF
#define SO_ATTACH_REUSEPORT_EBPF 52  // asm-generic/socket.h
#endif

namespace prefork {

namespace {

constexpr uint32_t kCount = 0, kNext = 1, kFirstSlot = 2;  // keys of the order

uint64_t pointer(const void* memory) { return reinterpret_cast<uintptr_t>(memory); }

int bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(sys(SYS_bpf, command, &attributes, sizeof attributes));
}

int create_map(bpf_map_type type, uint32_t entries) {
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_type = type;
  attributes.key_size = sizeof(uint32_t);
  attributes.value_size = sizeof(uint32_t);
  attributes.max_entries = entries;
  return bpf(BPF_MAP_CREATE, attributes);
}

int update(int map, uint32_t key, uint32_t value) {
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_fd = static_cast<uint32_t>(map);
  attributes.key = pointer(&key);
  attributes.value = pointer(&value);
  return bpf(BPF_MAP_UPDATE_ELEM, attributes);
}

// --- the program, one instruction a function
// (Documentation/bpf/standardization/instruction-set.rst)

constexpr uint8_t kFetchAndAdd32 = BPF_STX | 0xc0 | BPF_W;  // BPF_ATOMIC, which old headers lack
constexpr int32_t kFetch = BPF_ADD | 0x01;                  // BPF_FETCH

bpf_insn instruction(uint8_t code, uint8_t to, uint8_t from, int16_t offset, int32_t immediate) {
  bpf_insn result = {};
  result.code = code;
  result.dst_reg = to & 0xf;
  result.src_reg = from & 0xf;
  result.off = offset;
  result.imm = immediate;
  return result;
}

bpf_insn move(uint8_t to, uint8_t from) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

bpf_insn set(uint8_t to, int32_t value) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}

bpf_insn add(uint8_t to, int32_t value) {
  return instruction(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value);
}

bpf_insn load(uint8_t to, uint8_t from) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, from, 0, 0);
}

bpf_insn call(int32_t function) { return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, function); }

bpf_insn skip_if_zero(uint8_t number, int16_t instructions) {
  return instruction(BPF_JMP | BPF_JEQ | BPF_K, number, 0, instructions, 0);
}

// Two instructions hold the 64 bits.
bpf_insn address_of_map(uint8_t to, int map) {
  return instruction(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_FD, 0, map);
}

constexpr uint8_t kResult = 0, kArgument1 = 1, kArgument2 = 2, kArgument3 = 3, kArgument4 = 4;
constexpr uint8_t kContext = 6, kTurn = 7, kCounted = 8, kFrame = 10;
constexpr int16_t kKey = -4;  // on the stack

// SK_PASS without a choice, as where somebody has no turn or a socket does not listen any more,
// leaves the choice to the hash (net/core/sock_reuseport.c, reuseport_select_sock).
int load_program(const Turns& turns) {
  const bpf_insn second_half = {};
  const bpf_insn program[] = {
      move(kContext, kArgument1),
      // how many have turns
      instruction(BPF_ST | BPF_MEM | BPF_W, kFrame, 0, kKey, kCount),
      address_of_map(kArgument1, turns.order),
      second_half,
      move(kArgument2, kFrame),
      add(kArgument2, kKey),
      call(BPF_FUNC_map_lookup_elem),
      skip_if_zero(kResult, 29),
      load(kCounted, kResult),
      skip_if_zero(kCounted, 27),
      // whose turn it is
      instruction(BPF_ST | BPF_MEM | BPF_W, kFrame, 0, kKey, kNext),
      address_of_map(kArgument1, turns.order),
      second_half,
      move(kArgument2, kFrame),
      add(kArgument2, kKey),
      call(BPF_FUNC_map_lookup_elem),
      skip_if_zero(kResult, 20),
      set(kTurn, 1),
      instruction(kFetchAndAdd32, kResult, kTurn, 0, kFetch),
      instruction(BPF_ALU | BPF_MOD | BPF_X, kTurn, kCounted, 0, 0),
      add(kTurn, kFirstSlot),
      // the slot
      instruction(BPF_STX | BPF_MEM | BPF_W, kFrame, kTurn, kKey, 0),
      address_of_map(kArgument1, turns.order),
      second_half,
      move(kArgument2, kFrame),
      add(kArgument2, kKey),
      call(BPF_FUNC_map_lookup_elem),
      skip_if_zero(kResult, 9),
      load(kTurn, kResult),
      instruction(BPF_STX | BPF_MEM | BPF_W, kFrame, kTurn, kKey, 0),
      // the socket
      move(kArgument1, kContext),
      address_of_map(kArgument2, turns.sockets),
      second_half,
      move(kArgument3, kFrame),
      add(kArgument3, kKey),
      set(kArgument4, 0),
      call(BPF_FUNC_sk_select_reuseport),
      set(kResult, SK_PASS),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_SK_REUSEPORT;
  attributes.insns = pointer(program);
  attributes.insn_cnt = sizeof program / sizeof *program;
  attributes.license = pointer("MIT");
  return bpf(BPF_PROG_LOAD, attributes);
}

int attach_program(int socket, const Turns& turns) {
  const int program = load_program(turns);
  if (program < 0) return program;
  const int result =
      setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &program, sizeof program) == -1
          ? -errno
          : 0;
  close(program);
  return result;
}

}  // namespace

int take_turns(int socket, uint32_t capacity, Turns* out) {
  out->sockets = create_map(BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, capacity);
  if (out->sockets < 0) return out->sockets;
  out->order = create_map(BPF_MAP_TYPE_ARRAY, kFirstSlot + capacity);
  const int result = out->order < 0 ? out->order : attach_program(socket, *out);
  if (result < 0) {
    close(out->sockets);
    if (out->order >= 0) close(out->order);
  }
  return result;
}

int set_turn_socket(const Turns& turns, uint32_t slot, int socket) {
  return update(turns.sockets, slot, static_cast<uint32_t>(socket));
}

// Connections may come between two of these steps: then one slot has a turn more.
int set_turn_order(const Turns& turns, const uint32_t* slots, uint32_t count) {
  int result = 0;
  for (uint32_t i = 0; i < count && result == 0; ++i)
    result = update(turns.order, kFirstSlot + i, slots[i]);
  return result < 0 ? result : update(turns.order, kCount, count);
}

}  // namespace prefork
