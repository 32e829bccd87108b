// Places of one size that lie in a row, and which of them are taken.
//
// Any thread may ask at any moment: there is no lock, so that none can be held over a fork. A child
// has a copy of what is taken along with the memory itself. The invariant that makes it true there,
// wherever another thread was stopped: a place is taken before there is memory at it, and free only
// after that is gone. (A thread that is stopped in between goes on in the child as in the parent.)
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <atomic>

namespace prefork {

template <size_t kCount>
class Places {
 public:
  static constexpr size_t kNone = ~size_t{0};

  // Takes the first `count` free ones in a row of those from `from` to `end`: the first, or kNone.
  size_t take(size_t from, size_t end, size_t count) {
    for (;;) {
      const size_t first = find(from, end, count);
      if (first == kNone || try_to_take(first, count)) return first;
      from = first;  // another thread was quicker
    }
  }

  void free(size_t first, size_t count) {
    for_each_word(first, count, [this](size_t word, uint64_t bits) {
      words_[word].fetch_and(~bits, std::memory_order_release);
      return true;
    });
  }

  bool are_taken(size_t first, size_t count) const {
    return next(first, first + count, false) == first + count;
  }

  // The first that is taken, or free, of those from `from` to `end`; otherwise `end`.
  size_t next(size_t from, size_t end, bool taken) const {
    while (from < end) {
      const uint64_t word = words_[from / kBits].load(std::memory_order_acquire);
      const uint64_t wanted = (taken ? word : ~word) >> from % kBits;
      if (wanted != 0)
        return from + static_cast<size_t>(__builtin_ctzll(wanted)) < end
                   ? from + static_cast<size_t>(__builtin_ctzll(wanted))
                   : end;
      from += kBits - from % kBits;
    }
    return end;
  }

 private:
  static constexpr size_t kBits = 64;
  static_assert(kCount % kBits == 0);

  size_t find(size_t from, size_t end, size_t count) const {
    while (from < end && end - from >= count) {
      const size_t first = next(from, end, false);
      if (end - first < count) return kNone;
      const size_t stop = next(first, first + count, true);
      if (stop - first == count) return first;
      from = stop;
    }
    return kNone;
  }

  // What another thread has taken meanwhile stays as it is.
  bool try_to_take(size_t first, size_t count) {
    size_t taken = 0;
    const bool all = for_each_word(first, count, [&](size_t word, uint64_t bits) {
      uint64_t now = words_[word].load(std::memory_order_relaxed);
      do {
        if ((now & bits) != 0) return false;
      } while (!words_[word].compare_exchange_weak(now, now | bits, std::memory_order_acquire));
      taken += static_cast<size_t>(__builtin_popcountll(bits));
      return true;
    });
    if (!all) free(first, taken);
    return all;
  }

  // Calls `visit` with each word that these places have a part in, as long as it answers true.
  template <typename Visit>
  static bool for_each_word(size_t first, size_t count, Visit visit) {
    for (const size_t end = first + count; first < end;) {
      const size_t offset = first % kBits;
      const size_t here = end - first < kBits - offset ? end - first : kBits - offset;
      const uint64_t ones = here == kBits ? ~uint64_t{0} : (uint64_t{1} << here) - 1;
      if (!visit(first / kBits, ones << offset)) return false;
      first += here;
    }
    return true;
  }

  std::atomic<uint64_t> words_[kCount / kBits] = {};
};

}  // namespace prefork
