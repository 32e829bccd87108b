// posix/paths.h as JavaScript sees it.
#include "posix/paths.h"

#include <errno.h>
#include <limits.h>

#include "binding/binding.h"
#include "binding/text.h"

namespace prefork {

// (directory, name, flags, mode)
Napi::Value open_path_at(const Napi::CallbackInfo& info) {
  const Text<PATH_MAX> name(info[1]);
  if (!name.fits) return number(info.Env(), -ENAMETOOLONG);
  const auto mode = static_cast<mode_t>(integer(info[3]));
  return number(info.Env(), open_at(integer(info[0]), name.bytes, integer(info[2]), mode));
}

// (directory, name)
Napi::Value unlink_path_at(const Napi::CallbackInfo& info) {
  const Text<PATH_MAX> name(info[1]);
  if (!name.fits) return number(info.Env(), -ENAMETOOLONG);
  return number(info.Env(), unlink_at(integer(info[0]), name.bytes));
}

// (fd)
Napi::Value lock_whole_file(const Napi::CallbackInfo& info) {
  return number(info.Env(), lock_file(integer(info[0])));
}

// (path)
Napi::Value is_socket_served(const Napi::CallbackInfo& info) {
  const Text<PATH_MAX> path(info[0]);
  if (!path.fits) return number(info.Env(), -ENAMETOOLONG);
  return number(info.Env(), is_served(path.bytes, path.length));
}

}  // namespace prefork
