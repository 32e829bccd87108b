// The generator behind V8's random numbers, forwards and backwards.
//
// xorshift128+ of Sebastiano Vigna, "Further scramblings of Marsaglia's xorshift generators"; in V8
// src/base/utils/random-number-generator.h. Every step can be undone, so a state tells all numbers
// that came before it.
#pragma once

#include <stdint.h>

namespace prefork {

struct Xorshift {
  uint64_t s0;
  uint64_t s1;

  void step() {
    uint64_t x = s0;
    s0 = s1;
    x ^= x << 23;
    x ^= x >> 17;
    x ^= s0 ^ s0 >> 26;
    s1 = x;
  }

  void step_back() {
    uint64_t x = s1 ^ s0 ^ s0 >> 26;
    x ^= x >> 17 ^ x >> 34 ^ x >> 51;
    x ^= x << 23 ^ x << 46;
    s1 = s0;
    s0 = x;
  }

  void step_back(int times) {
    for (int i = 0; i < times; ++i) step_back();
  }

  bool is_zero() const { return s0 == 0 && s1 == 0; }

  bool operator==(const Xorshift& other) const { return s0 == other.s0 && s1 == other.s1; }
};

// The finalizer of MurmurHash3, by which V8 makes a state of a seed.
constexpr uint64_t kMix1 = 0xFF51AFD7ED558CCD;
constexpr uint64_t kMix2 = 0xC4CEB9FE1A85EC53;

inline uint64_t mix(uint64_t x) {
  x = (x ^ x >> 33) * kMix1;
  x = (x ^ x >> 33) * kMix2;
  return x ^ x >> 33;
}

// Of an odd number, modulo 2^64. Each step of Newton's doubles the bits that are right.
constexpr uint64_t inverse(uint64_t x) {
  uint64_t y = x;
  for (int i = 0; i < 5; ++i) y *= 2 - x * y;
  return y;
}

inline uint64_t unmix(uint64_t x) {
  x = (x ^ x >> 33) * inverse(kMix2);
  x = (x ^ x >> 33) * inverse(kMix1);
  return x ^ x >> 33;
}

}  // namespace prefork
