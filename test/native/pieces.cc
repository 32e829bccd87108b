// Pieces of memory that are free between others: when they have been taken, malloc gives new memory
// from behind all that is in use.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "posix/free_pieces.h"

namespace {

constexpr int kCount = 4000;
constexpr size_t kLargest = 9000;

char* pieces[kCount];

size_t size_of(int number) {
  return 1 + (static_cast<size_t>(number) * 7919 + number % 13) % kLargest;
}

char* make(size_t size) {
  auto* piece = static_cast<char*>(malloc(size));
  CHECK(piece != nullptr);
  memset(piece, 1, size);
  return piece;
}

// Every other one is free between two that are not.
void make_holes() {
  for (int i = 0; i < kCount; ++i) pieces[i] = make(size_of(i));
  for (int i = 0; i < kCount; i += 2) free(pieces[i]);
}

char* last_in_use() {
  char* last = nullptr;
  for (int i = 1; i < kCount; i += 2) {
    if (pieces[i] > last) last = pieces[i];
  }
  return last;
}

// In as many sizes as there are.
bool new_pieces_lie_behind(const char* last) {
  bool behind = true;
  for (size_t size = 1; size <= kLargest; size += 8) behind = make(size) > last && behind;
  return behind;
}

void holes_are_used_where_nobody_takes_them() {
  make_holes();
  CHECK(!new_pieces_lie_behind(last_in_use()));
}

void taken_ones_are_not() {
  make_holes();
  prefork::take_free_pieces();
  CHECK(new_pieces_lie_behind(last_in_use()));
}

void they_are_taken_once() {
  const void* end = sbrk(0);
  for (int i = 0; i < 100; ++i) prefork::take_free_pieces();
  CHECK(sbrk(0) <= end);
}

}  // namespace

int main() {
  holes_are_used_where_nobody_takes_them();
  taken_ones_are_not();
  they_are_taken_once();
  dprintf(1, "ok\n");
}
