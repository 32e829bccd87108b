#include "v8/random_survey.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "fork/arch.h"
#include "v8/isolate.h"
#include "v8/own_memory.h"

namespace prefork {

namespace {

constexpr NumberForm kForms[] = {{false, 52}, {false, 53}, {true, 53}, {true, 52}};

// --- contexts

// The words of a context, or none, and the headers of what they point to. The first two words are
// the context's own header.
struct Slots {
  uintptr_t words[kMostWords];
  Header headers[kMostWords] = {};
  size_t count = 0;

  explicit Slots(uintptr_t pointer) {
    Header header;
    if (!is_pointer(pointer) || !peek(pointer - 1, &header, sizeof header)) return;
    const size_t length = header.length >> 32;
    if (header.length != small_integer(static_cast<uint32_t>(length)) || length > kMostWords - 2)
      return;
    if (!peek(pointer - 1, words, (length + 2) * kWord)) return;
    count = length + 2;
    uintptr_t targets[kMostWords];
    for (size_t i = 0; i < count; ++i) targets[i] = is_pointer(words[i]) ? words[i] - 1 : 0;
    peek_each(targets, headers, count);
  }
};

// Calls back with each pointer that a function's object holds; one of them is its context.
template <typename Visit>
void for_each_pointer_of(FunctionAddress function, Visit visit) {
  constexpr size_t kMost = 8;
  for (size_t i = 1; i < kMost; ++i) {
    const uintptr_t word = peek_word(function - 1 + i * kWord);
    if (is_pointer(word)) visit(word);
  }
}

// The slots of a context that hold an array of one of two lengths.
struct ArraySlots {
  static constexpr size_t kMost = 16;

  size_t slots[kMost];
  size_t count = 0;

  void add(size_t slot) {
    if (count < kMost) slots[count++] = slot;
  }
};

// Where in a context the three may be, if `drawn` was drawn last.
template <typename Visit>
void for_each_candidate(const Slots& slots, double drawn, Visit visit) {
  ArraySlots of_numbers, of_states;
  for (size_t i = 2; i < slots.count; ++i) {
    if (has_length(slots.headers[i], kNumbers)) of_numbers.add(i);
    if (has_length(slots.headers[i], sizeof(Xorshift))) of_states.add(i);
  }
  RandomLayout layout = {};
  layout.context_length = static_cast<uint32_t>(slots.count - 2);
  for (size_t n = 0; n < of_numbers.count; ++n) {
    double numbers[kNumbers];
    layout.numbers = of_numbers.slots[n] * kWord;
    if (!peek(contents_of(slots.words[of_numbers.slots[n]]), numbers, sizeof numbers)) continue;
    for (size_t s = 0; s < of_states.count; ++s) {
      Xorshift state;
      layout.state = of_states.slots[s] * kWord;
      if (!peek(contents_of(slots.words[of_states.slots[s]]), &state, sizeof state)) continue;
      for (const NumberForm& form : kForms) {
        layout.form = form;
        if (!follow_from(state, numbers, form)) continue;
        for (size_t i = 2; i < slots.count; ++i) {
          const auto left = static_cast<uint32_t>(slots.words[i] >> 32);
          if (slots.words[i] != small_integer(left) || left >= kNumbers) continue;
          if (numbers[left] != drawn) continue;
          layout.left = i * kWord;
          visit(layout);
        }
      }
    }
  }
}

uintptr_t context_of(FunctionAddress function, const RandomLayout& layout) {
  uintptr_t found = 0;
  for_each_pointer_of(function, [&](uintptr_t pointer) {
    if (ContextWords(pointer, layout)) found = pointer;
  });
  return found;
}

// The slot that leads from the newest context to the next: the only one that holds another context.
size_t find_next(uintptr_t newest, const RandomLayout& layout) {
  const Slots slots(newest);
  size_t found = 0;
  for (size_t i = 2; i < slots.count; ++i) {
    if (slots.words[i] == newest || !has_length(slots.headers[i], layout.context_length)) continue;
    Random random;
    if (found != 0 || !read_random(ContextWords(slots.words[i], layout), layout, random)) return 0;
    found = i * kWord;
  }
  return found;
}

bool leads_to(uintptr_t pointer, uintptr_t wanted, const RandomLayout& layout) {
  while (pointer != wanted) {
    const ContextWords context(pointer, layout);
    if (!context) return false;
    pointer = context[layout.next];
  }
  return true;
}

// --- the isolate

// The offset of the first word of the isolate that passes the test, or 0. The size of an isolate is
// unknown: the second survey catches what passes in the memory behind it.
template <typename Test>
size_t find_in_isolate(uintptr_t isolate, size_t from, Test test) {
  constexpr size_t kMost = 1 << 18;
  uintptr_t words[64];
  for (size_t offset = from; offset < kMost; offset += sizeof words) {
    if (!peek(isolate + offset, words, sizeof words)) return 0;
    for (size_t i = 0; i < sizeof words / kWord; ++i) {
      if (test(words[i])) return offset + i * kWord;
    }
  }
  return 0;
}

// The generator that has just given this seed, byte by byte (NextBytes).
bool has_just_given(uintptr_t address, uint64_t seed) {
  constexpr uintptr_t kLowest = 1 << 16;
  constexpr int kAddressBits = 47;
  Generator generator;
  if (address % kWord != 0 || address < kLowest || address >> kAddressBits != 0) return false;
  if (!peek(address, &generator, sizeof generator)) return false;
  generator.state.step_back(sizeof seed);
  uint8_t bytes[sizeof seed];
  for (uint8_t& byte : bytes) {
    generator.state.step();
    byte = static_cast<uint8_t>((generator.state.s0 + generator.state.s1) >> 56);
  }
  return memcmp(bytes, &seed, sizeof seed) == 0;
}

// The seed of a context that has drawn its first numbers only; false if it was another.
bool find_seed(Xorshift state, uint64_t& seed) {
  state.step_back(kNumbers);
  seed = unmix(state.s0);
  return mix(~seed) == state.s1;
}

// --random-seed, an int, seeds every context alike; the isolate's generator is not asked.
bool is_flag(uint64_t seed) { return static_cast<int64_t>(seed) == static_cast<int32_t>(seed); }

// V8 keeps it a few kilobytes behind the list of contexts.
size_t find_generator(uintptr_t isolate, size_t from, uint64_t seed) {
  return find_in_isolate(isolate, from, [&](uintptr_t word) { return has_just_given(word, seed); });
}

// Static TLS, where a variable has the same place in each thread, seen from the thread pointer.
ptrdiff_t find_in_thread(uintptr_t isolate) {
  struct Search {
    uintptr_t isolate;
    uintptr_t found;
  } search = {isolate, 0};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto* search = static_cast<Search*>(data);
        if (info->dlpi_tls_data == nullptr) return 0;
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          if (info->dlpi_phdr[i].p_type != PT_TLS) continue;
          const auto start = reinterpret_cast<uintptr_t>(info->dlpi_tls_data);
          for (uintptr_t at = start; at < start + info->dlpi_phdr[i].p_memsz; at += kWord) {
            if (*reinterpret_cast<const uintptr_t*>(at) == search->isolate) search->found = at;
          }
        }
        return search->found != 0 ? 1 : 0;
      },
      &search);
  return search.found == 0 ? 0 : static_cast<ptrdiff_t>(search.found - thread_pointer());
}

}  // namespace

void RandomSurvey::see(FunctionAddress random, double drawn) {
  RandomLayout confirmed[kMostCandidates];
  size_t count = 0;
  for_each_pointer_of(random, [&](uintptr_t pointer) {
    for_each_candidate(Slots(pointer), drawn, [&](const RandomLayout& layout) {
      bool before = !seen_;
      for (size_t i = 0; i < count_; ++i) before = before || candidates_[i] == layout;
      if (before && count < kMostCandidates) confirmed[count++] = layout;
    });
  });
  memcpy(candidates_, confirmed, sizeof confirmed);
  count_ = count;
  seen_ = true;
}

bool RandomSurvey::finish(FunctionAddress random, FunctionAddress older) {
  if (count_ != 1) return false;
  layout_ = candidates_[0];
  const uintptr_t isolate = current_isolate();
  const uintptr_t newest = context_of(random, layout_);
  Random own;
  uint64_t seed;
  if (isolate == 0 || !read_random(ContextWords(newest, layout_), layout_, own)) return false;
  if (!find_seed(own.state, seed)) return false;
  layout_.next = find_next(newest, layout_);
  layout_.contexts = find_in_isolate(isolate, 0, [&](uintptr_t word) { return word == newest; });
  layout_.generator = find_generator(isolate, layout_.contexts, seed);
  layout_.isolate_of_thread = find_in_thread(isolate);
  return layout_.next != 0 && layout_.contexts != 0 && (layout_.generator != 0 || is_flag(seed)) &&
         leads_to(newest, context_of(older, layout_), layout_);
}

}  // namespace prefork
