#pragma once

#include <napi.h>

#include "posix/socket.h"

namespace prefork {

// { family, address, port }, or -errno. (socket.cc)
Napi::Value describe_endpoint(Napi::Env env, const Endpoint& endpoint);

}  // namespace prefork
