// Ends the program where something does not hold, and says what.
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                             \
  do {                                                               \
    if (!(condition)) {                                              \
      dprintf(2, "%s:%d: %s: %m\n", __FILE__, __LINE__, #condition); \
      abort();                                                       \
    }                                                                \
  } while (0)
