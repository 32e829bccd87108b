// The state of V8's own Math.random, found in memory and replaced.
//
// V8 seeds the generator of each context (the main one, those of node:vm) once, and offers no way
// to do it again. It keeps in three slots of the context: 64 numbers in advance, how many of them
// are left, and the generator's state after them (src/numbers/math-random.cc). No header says which
// slots, and one addon serves many versions: random_survey.h finds out.
//
// Invariant: nothing is written to an object that does not, at that moment, prove to be what it is
// taken for. A used generator's state, run backwards, must give all 64 numbers in advance (64 times
// 52 bits). One that was never used is left alone: it will be seeded by the isolate's generator.
//
// All of it keeps the contract of docs/internals.md, "Between stop and release".
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "v8/values.h"
#include "v8/xorshift.h"

namespace prefork {

// How V8 makes a number of a state: of its first half (until V8 13), or of the sum of both (since);
// of so many bits of it (53 since V8 13, before that 52).
struct NumberForm {
  bool sum;
  int bits;

  bool operator==(const NumberForm& other) const { return sum == other.sum && bits == other.bits; }
};

constexpr int kNumbers = 64;

// Where V8 keeps what is needed: offsets in bytes. Contexts of one isolate form a list, the newest
// first; new ones are seeded by the isolate's own generator.
struct RandomLayout {
  size_t left, state, numbers, next;  // in a context
  uint32_t context_length;            // in slots
  NumberForm form;
  size_t contexts, generator;   // in an isolate; generator 0: unknown
  ptrdiff_t isolate_of_thread;  // from the thread pointer; 0: unknown

  bool operator==(const RandomLayout& other) const;
};

struct Renewal {
  int renewed;
  int failed;  // contexts that did not prove to be what they should
};

// Gives every context of an isolate, and the isolate's generator, another state. The isolate's
// thread must be the caller, or stopped. What a stopped thread was just drawing may still be an old
// number; and where it was stopped while V8 draws the next 64, that context is not renewed.
Renewal renew_random(uintptr_t isolate, const RandomLayout& layout);

// The same for a stopped thread; nothing if it runs no JavaScript.
Renewal renew_random_of_thread(uintptr_t thread_pointer, const RandomLayout& layout);

// --- for the survey

bool follow_from(Xorshift state, const double (&numbers)[kNumbers], const NumberForm& form);

// An isolate's own generator, as it is in memory.
struct Generator {
  uint64_t seed;
  Xorshift state;
};

constexpr size_t kMostWords = 1024;  // of a context

// The words of a context, its header first; none if there is no context at `pointer`.
class ContextWords {
 public:
  ContextWords(uintptr_t pointer, const RandomLayout& layout);

  explicit operator bool() const { return valid_; }

  uintptr_t operator[](size_t offset) const { return words_[offset / kWord]; }

 private:
  uintptr_t words_[kMostWords];
  bool valid_;
};

// What its three slots hold.
struct Random {
  uintptr_t state_at;
  uintptr_t numbers_at;
  bool used;
  Xorshift state;
};

// Whether they prove to be what they should.
bool read_random(const ContextWords& context, const RandomLayout& layout, Random& random);

}  // namespace prefork
