#pragma once

namespace prefork {

// In the child, all threads stopped: replaces each socket whose own port is `port` by one that is
// connected to nothing. So the child's inspector thread neither accepts its parent's debugger nor
// says goodbye to it. -errno.
int cut_off_sockets(int port);

}  // namespace prefork
