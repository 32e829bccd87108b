// Lines that this process writes to its standard outputs say who wrote them: each gets a label, put
// in on its way. Nothing is kept back and nobody else is asked: what the caller was told is
// written, is.
#pragma once

#include <stddef.h>

namespace prefork {

constexpr size_t kLongestLabel = 64;

struct LineLabels {
  const char* prefix;  // before a line
  size_t prefix_length;
  // Behind the brace of a line that begins as an object of JSON, which then has no prefix; if it is
  // empty those have one, too.
  const char* field;
  size_t field_length;
};

// From now on, in what the object to which `libuv` belongs writes to descriptors 1 and 2, and in
// what the one of `node` writes to stderr. `terminals`: other descriptors of the same two, or -1,
// for libuv opens terminals anew. 0, or -ENOSYS: they call no write(2) that could be replaced.
int label_lines(const LineLabels& labels, const int terminals[2], const void* libuv,
                const void* node);

}  // namespace prefork
