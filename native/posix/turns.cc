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

// Documentation/bpf/standardization/instruction-set.rst
constexpr uint8_t kResult = 0, kArgument1 = 1, kArgument2 = 2, kArgument3 = 3, kArgument4 = 4;
constexpr uint8_t kContext = 6, kTurn = 7, kCounted = 8, kFrame = 10;
constexpr int16_t kKey = -4;                                // on the stack
constexpr uint8_t kFetchAndAdd32 = BPF_STX | 0xc0 | BPF_W;  // BPF_ATOMIC, which old headers lack
constexpr int32_t kFetch = BPF_ADD | 0x01;                  // BPF_FETCH

// One instruction after the other. Whatever fails jumps to the end.
class Program {
 public:
  void move(uint8_t to, uint8_t from) { write(BPF_ALU64 | BPF_MOV | BPF_X, to, from); }
  void set(uint8_t to, int32_t value) { write(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value); }
  void add(uint8_t to, int32_t value) { write(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value); }
  void modulo(uint8_t to, uint8_t by) { write(BPF_ALU | BPF_MOD | BPF_X, to, by); }
  void load(uint8_t to, uint8_t from) { write(BPF_LDX | BPF_MEM | BPF_W, to, from); }
  void call(int32_t function) { write(BPF_JMP | BPF_CALL, 0, 0, 0, function); }

  void fetch_and_add(uint8_t address, uint8_t number) {
    write(kFetchAndAdd32, address, number, 0, kFetch);
  }

  void set_key(uint32_t key) {
    write(BPF_ST | BPF_MEM | BPF_W, kFrame, 0, kKey, static_cast<int32_t>(key));
  }

  void set_key_from(uint8_t number) { write(BPF_STX | BPF_MEM | BPF_W, kFrame, number, kKey); }

  void point_to_key(uint8_t argument) {
    move(argument, kFrame);
    add(argument, kKey);
  }

  // Two instructions hold the 64 bits.
  void point_to_map(uint8_t argument, int map) {
    write(BPF_LD | BPF_DW | BPF_IMM, argument, BPF_PSEUDO_MAP_FD, 0, map);
    write(0, 0, 0);
  }

  // The address of the key's value.
  void look_up(int map) {
    point_to_map(kArgument1, map);
    point_to_key(kArgument2);
    call(BPF_FUNC_map_lookup_elem);
    end_if_zero(kResult);
  }

  void end_if_zero(uint8_t number) {
    to_the_end_[jumps_++] = size_;
    write(BPF_JMP | BPF_JEQ | BPF_K, number, 0);
  }

  void end(int32_t result) {
    for (int i = 0; i < jumps_; ++i) {
      code_[to_the_end_[i]].off = static_cast<int16_t>(size_ - to_the_end_[i] - 1);
    }
    set(kResult, result);
    write(BPF_JMP | BPF_EXIT, 0, 0);
  }

  int load_into_kernel() const {
    bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_SK_REUSEPORT;
    attributes.insns = pointer(code_);
    attributes.insn_cnt = static_cast<uint32_t>(size_);
    attributes.license = pointer("MIT");
    return bpf(BPF_PROG_LOAD, attributes);
  }

 private:
  void write(uint8_t code, uint8_t to, uint8_t from, int16_t offset = 0, int32_t immediate = 0) {
    bpf_insn& written = code_[size_++];
    written.code = code;
    written.dst_reg = to & 0xf;
    written.src_reg = from & 0xf;
    written.off = offset;
    written.imm = immediate;
  }

  bpf_insn code_[64] = {};
  int size_ = 0;
  int to_the_end_[8] = {};
  int jumps_ = 0;
};

// SK_PASS without a choice, as where nobody has a turn or a socket does not listen any more, leaves
// the choice to the hash (net/core/sock_reuseport.c, reuseport_select_sock).
int load_program(const Turns& turns) {
  Program program;
  program.move(kContext, kArgument1);

  program.set_key(kCount);
  program.look_up(turns.order);
  program.load(kCounted, kResult);
  program.end_if_zero(kCounted);

  program.set_key(kNext);
  program.look_up(turns.order);
  program.set(kTurn, 1);
  program.fetch_and_add(kResult, kTurn);
  program.modulo(kTurn, kCounted);

  program.add(kTurn, kFirstSlot);
  program.set_key_from(kTurn);
  program.look_up(turns.order);
  program.load(kTurn, kResult);
  program.set_key_from(kTurn);

  program.move(kArgument1, kContext);
  program.point_to_map(kArgument2, turns.sockets);
  program.point_to_key(kArgument3);
  program.set(kArgument4, 0);
  program.call(BPF_FUNC_sk_select_reuseport);
  program.end(SK_PASS);
  return program.load_into_kernel();
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
