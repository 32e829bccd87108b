#pragma once
#include <sys/types.h>
namespace prefork {
inline bool is_shared_pipe(ino_t) { return false; }
}  // namespace prefork
