#include "v8/math_random.h"

#include "v8/own_memory.h"

namespace prefork {

namespace {

double number_of(const Xorshift& state, const NumberForm& form) {
  const uint64_t random = form.sum ? state.s0 + state.s1 : state.s0;
  return static_cast<double>(random >> (64 - form.bits)) /
         static_cast<double>(uint64_t{1} << form.bits);
}

bool random_bytes(void* to, size_t size) {
  return sys(SYS_getrandom, to, size, 0) == static_cast<long>(size);
}

struct Arrays {
  Header state_header;
  Xorshift state;
  Header numbers_header;
  double numbers[kNumbers];
};

// As V8 does it when none is left: 64 numbers, then the state. How many are left stays as it is, so
// that a thread which was stopped between two instructions of a draw finds nothing out of place.
bool renew(const Random& random, const RandomLayout& layout) {
  if (!random.used) return true;  // it will be seeded when it is used: later contexts, too
  struct {
    double numbers[kNumbers];
    Xorshift state;
  } fresh;
  if (!random_bytes(&fresh.state, sizeof fresh.state) || fresh.state.is_zero()) return false;
  for (double& number : fresh.numbers) {
    fresh.state.step();
    number = number_of(fresh.state, layout.form);
  }
  const iovec pieces[] = {piece(random.numbers_at, sizeof fresh.numbers),
                          piece(random.state_at, sizeof fresh.state)};
  return poke_pieces(pieces, fresh);
}

// An isolate's generator is used for hardly more than to seed contexts: from its seed to where it
// is now are some steps for each.
bool is_generator(const Generator& generator) {
  constexpr int kMostSteps = 1 << 20;
  const uint64_t first = mix(generator.seed);
  Xorshift state = {first, mix(~first)};
  for (int i = 0; i < kMostSteps; ++i, state.step()) {
    if (state == generator.state) return true;
  }
  return false;
}

bool renew_generator(uintptr_t address) {
  Generator generator;
  if (!peek(address, &generator, sizeof generator) || !is_generator(generator)) return false;
  if (!random_bytes(&generator.seed, sizeof generator.seed)) return false;
  const uint64_t first = mix(generator.seed);
  generator.state = {first, mix(~first)};
  const iovec whole[] = {piece(address, sizeof generator)};
  return poke_pieces(whole, generator);
}

}  // namespace

bool RandomLayout::operator==(const RandomLayout& other) const {
  return left == other.left && state == other.state && numbers == other.numbers &&
         next == other.next && context_length == other.context_length && form == other.form &&
         contexts == other.contexts && generator == other.generator &&
         isolate_of_thread == other.isolate_of_thread;
}

bool follow_from(Xorshift state, const double (&numbers)[kNumbers], const NumberForm& form) {
  for (int i = kNumbers; i-- > 0; state.step_back()) {
    if (number_of(state, form) != numbers[i]) return false;
  }
  return true;
}

ContextWords::ContextWords(uintptr_t pointer, const RandomLayout& layout) {
  const size_t size = sizeof(Header) + layout.context_length * kWord;
  valid_ = is_pointer(pointer) && size <= sizeof words_ && peek(pointer - 1, words_, size) &&
           has_length({words_[0], words_[1]}, layout.context_length);
}

bool read_random(const ContextWords& context, const RandomLayout& layout, Random& random) {
  const uintptr_t state = context[layout.state], numbers = context[layout.numbers];
  Arrays arrays;
  const iovec pieces[] = {piece(state - 1, sizeof(Header) + sizeof arrays.state),
                          piece(numbers - 1, sizeof(Header) + sizeof arrays.numbers)};
  if (!is_pointer(state) || !is_pointer(numbers) || !peek_pieces(pieces, arrays)) return false;
  if (!has_length(arrays.state_header, sizeof arrays.state)) return false;
  if (!has_length(arrays.numbers_header, kNumbers)) return false;
  const auto left = static_cast<uint32_t>(context[layout.left] >> 32);
  if (context[layout.left] != small_integer(left) || left > kNumbers) return false;
  const bool used = left != 0 || !arrays.state.is_zero();
  random = {contents_of(state), contents_of(numbers), used, arrays.state};
  return !used || follow_from(arrays.state, arrays.numbers, layout.form);
}

Renewal renew_random(uintptr_t isolate, const RandomLayout& layout) {
  constexpr int kMostContexts = 1 << 20;
  Renewal result = {0, 0};
  uintptr_t pointer = peek_word(isolate + layout.contexts);
  for (int i = 0; i < kMostContexts; ++i) {
    const ContextWords context(pointer, layout);
    if (!context) break;
    Random random;
    const bool done = read_random(context, layout, random) && renew(random, layout);
    ++(done ? result.renewed : result.failed);
    pointer = context[layout.next];
  }
  if (layout.generator != 0 && result.renewed > 0 &&
      !renew_generator(peek_word(isolate + layout.generator))) {
    ++result.failed;
  }
  return result;
}

Renewal renew_random_of_thread(uintptr_t thread_pointer, const RandomLayout& layout) {
  if (layout.isolate_of_thread == 0) return {0, 0};
  const uintptr_t isolate = peek_word(thread_pointer + layout.isolate_of_thread);
  return isolate == 0 ? Renewal{0, 0} : renew_random(isolate, layout);
}

}  // namespace prefork
