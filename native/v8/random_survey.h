// Where this version of V8 keeps the state of Math.random, learnt from a context made for the
// purpose by what is in it: numbers just drawn, and a state from which they follow.
#pragma once

#include "v8/math_random.h"

namespace prefork {

// A function of JavaScript's as V8 has it in memory; holds until V8 runs again.
using FunctionAddress = uintptr_t;

// One survey of one new context, which must be the newest of its isolate and have drawn nothing.
// Only what two surveys agree upon is certain: the second sees the list of contexts grow, and
// another seed.
class RandomSurvey {
 public:
  // After the first draw of the context's `Math.random`, and again after the second.
  void see(FunctionAddress random, double drawn);

  // After that. `older`: any built-in function of a context that has been there before. Answers
  // whether all was found.
  bool finish(FunctionAddress random, FunctionAddress older);

  const RandomLayout& layout() const { return layout_; }

 private:
  static constexpr size_t kMostCandidates = 16;

  RandomLayout candidates_[kMostCandidates];
  size_t count_ = 0;
  bool seen_ = false;
  RandomLayout layout_ = {};
};

}  // namespace prefork
