// A file that no directory names: it lives in memory as long as somebody has it open.
#pragma once

namespace prefork {

constexpr unsigned kLongestMemoryFileName = 249;  // memfd_create(2)

// Empty, closed on exec; `name` is what /proc shows of it. A descriptor, or -errno.
int open_memory_file(const char* name);

}  // namespace prefork
