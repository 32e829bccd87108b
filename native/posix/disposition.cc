#include "posix/disposition.h"

#include <errno.h>
#include <signal.h>

#include "posix/answer.h"
#include "posix/loaded_object.h"

namespace prefork {

int disposition_of(int signal, const void* node_symbol) {
  struct sigaction action;
  if (sigaction(signal, nullptr, &action) == -1) return -errno;
  if (action.sa_handler == SIG_DFL) return kDefault;
  if (action.sa_handler == SIG_IGN) return kIgnored;
  const void* handler = reinterpret_cast<const void*>(action.sa_handler);
  return object_of(handler) == object_of(node_symbol) ? kHandledByNode : kHandledByOthers;
}

int set_disposition(int signal, Disposition disposition) {
  struct sigaction action = {};
  action.sa_handler = disposition == kIgnored ? SIG_IGN : SIG_DFL;
  return answer(sigaction(signal, &action, nullptr));
}

}  // namespace prefork
