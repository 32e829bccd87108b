#include "posix/by_address.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <sys/socket.h>

#include "posix/answer.h"

namespace prefork {

namespace {

// Finalizers of MurmurHash3 and of lowbias32 (https://nullprogram.com/blog/2018/07/31/), and the
// golden ratio, by which ids are made seeds.
constexpr uint32_t kFirst = 0x85ebca6b, kSecond = 0xc2b2ae35, kThird = 0x7feb352d;
constexpr uint32_t kFourth = 0x846ca68b, kGolden = 0x9e3779b1;

constexpr uint32_t kNetwork = static_cast<uint32_t>(SKF_NET_OFF);  // the IP header
constexpr uint32_t kSource4 = kNetwork + 12, kSource6 = kNetwork + 8;
constexpr uint32_t kProtocol = static_cast<uint32_t>(SKF_AD_OFF + SKF_AD_PROTOCOL);

constexpr uint32_t kHash = 0, kHighest = 1, kChosen = 2;  // words of the program's memory

class Program {
 public:
  void write(uint16_t code, uint32_t operand, uint8_t if_true = 0, uint8_t if_false = 0) {
    code_[size_++] = {code, if_true, if_false, operand};
  }

  void load(uint32_t at) { write(BPF_LD | BPF_W | BPF_ABS, at); }
  void multiply(uint32_t by) { write(BPF_ALU | BPF_MUL | BPF_K, by); }

  // A ^= A >> bits
  void fold(uint32_t bits) {
    write(BPF_MISC | BPF_TAX, 0);
    write(BPF_ALU | BPF_RSH | BPF_K, bits);
    write(BPF_ALU | BPF_XOR | BPF_X, 0);
  }

  // A = A * kFirst ^ the word there
  void add_word(uint32_t at) {
    multiply(kFirst);
    fold(15);
    write(BPF_ST, kHash);
    load(at);
    write(BPF_LDX | BPF_MEM, kHash);
    write(BPF_ALU | BPF_XOR | BPF_X, 0);
  }

  // Both branches leave their hash in A. `if_true` and `if_false` count instructions.
  void hash_address() {
    constexpr uint8_t kLength6 = 1 + 3 * 8 + 1;  // of the branch for IPv6, with its jump
    load_protocol();
    write(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, kLength6);
    load(kSource6);
    for (uint32_t word = 1; word < 4; ++word) add_word(kSource6 + 4 * word);
    write(BPF_JMP | BPF_JA, 1);
    load(kSource4);
    fold(16);
    multiply(kFirst);
    fold(13);
    multiply(kSecond);
    fold(16);
    write(BPF_ST, kHash);
  }

  // Highest random weight (Thaler and Ravishankar, 1996): each socket has a number for each client,
  // and the highest wins.
  void bid(const Choice& choice) {
    write(BPF_LD | BPF_MEM, kHash);
    write(BPF_ALU | BPF_XOR | BPF_K, (choice.id + 1) * kGolden);
    multiply(kThird);
    fold(15);
    multiply(kFourth);
    write(BPF_LDX | BPF_MEM, kHighest);
    write(BPF_JMP | BPF_JGE | BPF_X, 0, 0, 3);
    write(BPF_ST, kHighest);
    write(BPF_LD | BPF_IMM, choice.position);
    write(BPF_ST, kChosen);
  }

  void begin_bids() {
    write(BPF_LD | BPF_IMM, 0);
    write(BPF_ST, kHighest);
    write(BPF_ST, kChosen);
  }

  void end_bids() {
    write(BPF_LD | BPF_MEM, kChosen);
    write(BPF_RET | BPF_A, 0);
  }

  int attach(int socket) const {
    const sock_fprog program = {static_cast<uint16_t>(size_), const_cast<sock_filter*>(code_)};
    return answer(
        setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)));
  }

 private:
  void load_protocol() { write(BPF_LD | BPF_H | BPF_ABS, kProtocol); }

  sock_filter code_[64 + kMostByAddress * 12];
  uint32_t size_ = 0;
};

}  // namespace

int choose_by_address(int socket, const Choice* choices, uint32_t count) {
  if (count > kMostByAddress) return -E2BIG;
  Program program;
  program.hash_address();
  program.begin_bids();
  for (uint32_t i = 0; i < count; ++i) program.bid(choices[i]);
  program.end_bids();
  return program.attach(socket);
}

}  // namespace prefork
