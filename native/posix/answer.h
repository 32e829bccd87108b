// What C functions say with -1 and errno, as one number.
#pragma once

#include <errno.h>

namespace prefork {

// -errno for -1, else the result itself.
template <typename Result>
inline Result answer(Result result) {
  return result == -1 ? static_cast<Result>(-errno) : result;
}

}  // namespace prefork
