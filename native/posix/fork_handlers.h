// What libraries have given to pthread_atfork(3), to be called in the child of fork(2). A child
// that is made by clone(2) alone can call it only if it knows what that is, and no function tells.
//
// glibc keeps all handlers in one table, in the order of their registration (nptl/register-atfork.c
// since 2.28). So two of our own are registered, and the table is where they stand.
#pragma once

#include "posix/loaded_object.h"

namespace prefork {

using ForkHandler = void (*)();

constexpr int kMostForkHandlers = 16;

struct ForkHandlers {
  int count;
  ForkHandler in_child[kMostForkHandlers];
};

// Handlers that are for the child alone and in `code`, in their order: 0. -ENOSYS where the table
// cannot be found, as with musl; -E2BIG if there are too many.
int find_fork_handlers(const Extent& code, ForkHandlers& found);

}  // namespace prefork
