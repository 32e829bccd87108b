// What the kernel does when a signal comes.
#pragma once

namespace prefork {

enum Disposition {
  kDefault = 0,
  kIgnored = 1,
  kHandledByNode = 2,
  kHandledByOthers = 3,
};

// A Disposition, or -errno. `node_symbol` is any function of Node's, by whose address its handlers
// are told from those of add-ons.
int disposition_of(int signal, const void* node_symbol);

// Takes the place of whatever handler there is: 0 or -errno.
int set_disposition(int signal, Disposition disposition);

}  // namespace prefork
