#pragma once

#include <stddef.h>

namespace prefork {

// Ends the process if the kernel has none to give: no randomness, no secrets.
void fill_randomly(void* to, size_t size);

}  // namespace prefork
