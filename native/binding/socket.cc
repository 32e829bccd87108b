#include "posix/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "binding/binding.h"
#include "binding/endpoint.h"
#include "binding/text.h"
#include "posix/closing_filter.h"
#include "posix/handshakes.h"
#include "posix/unix_queue.h"

namespace prefork {

Napi::Value describe_endpoint(Napi::Env env, const Endpoint& endpoint) {
  char text[kAddressText];
  const int length = endpoint_text(endpoint, text);
  if (length < 0) return number(env, length);

  Napi::Object name = Napi::Object::New(env);
  name.Set("family", number(env, endpoint.family()));
  name.Set("address", Napi::String::New(env, text, static_cast<size_t>(length)));
  name.Set("port", number(env, endpoint_port(endpoint)));
  return name;
}

namespace {

bool copy_endpoint(const void* bytes, size_t length, Endpoint* out) {
  if (length > sizeof(out->storage)) return false;
  memset(out, 0, sizeof(*out));
  memcpy(&out->storage, bytes, length);
  out->length = static_cast<socklen_t>(length);
  return true;
}

// What bind_inet takes back, with what TypeScript needs to know about it.
Napi::Value describe_resolved(Napi::Env env, const addrinfo& info) {
  Endpoint endpoint;
  if (!copy_endpoint(info.ai_addr, info.ai_addrlen, &endpoint)) return number(env, -EINVAL);
  Napi::Value described = describe_endpoint(env, endpoint);
  if (described.IsNumber()) return described;

  Napi::ArrayBuffer sockaddr = Napi::ArrayBuffer::New(env, info.ai_addrlen);
  memcpy(sockaddr.Data(), info.ai_addr, info.ai_addrlen);
  Napi::Object resolved = described.As<Napi::Object>();
  resolved.Set("protocol", number(env, info.ai_protocol));
  resolved.Set("sockaddr", sockaddr);
  return resolved;
}

Napi::Value describe_list(Napi::Env env, const addrinfo* list) {
  Napi::Array all = Napi::Array::New(env);
  uint32_t count = 0;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    Napi::Value one = describe_resolved(env, *each);
    if (one.IsNumber()) return one;
    all.Set(count++, one);
  }
  return all;
}

}  // namespace

// (host | null, service, family, flags)
Napi::Value resolve_stream_addresses(const Napi::CallbackInfo& info) {
  const Text<NI_MAXHOST> host(info[0]);
  const Text<NI_MAXSERV> service(info[1]);
  if (!host.fits || !service.fits) return number(info.Env(), abs(EAI_NONAME));

  addrinfo* list = nullptr;
  const int error = resolve_stream(info[0].IsNull() ? nullptr : host.bytes, service.bytes,
                                   integer(info[2]), integer(info[3]), &list);
  if (error != 0) return number(info.Env(), error);

  Napi::Value all = describe_list(info.Env(), list);
  freeaddrinfo(list);
  return all;
}

// (family, protocol)
Napi::Value open_stream_socket(const Napi::CallbackInfo& info) {
  return number(info.Env(), open_stream(integer(info[0]), integer(info[1])));
}

// (family)
Napi::Value open_datagram_socket(const Napi::CallbackInfo& info) {
  return number(info.Env(), open_datagram(integer(info[0])));
}

// (fd, level, name)
Napi::Value get_socket_option(const Napi::CallbackInfo& info) {
  return number(info.Env(), get_option(integer(info[0]), integer(info[1]), integer(info[2])));
}

// (fd, level, name, value)
Napi::Value set_socket_option(const Napi::CallbackInfo& info) {
  return number(info.Env(),
                set_option(integer(info[0]), integer(info[1]), integer(info[2]), integer(info[3])));
}

// (fd)
Napi::Value refuse_new_connections(const Napi::CallbackInfo& info) {
  return number(info.Env(), refuse_new(integer(info[0])));
}

// (fd)
Napi::Value refuses_new_connections(const Napi::CallbackInfo& info) {
  return number(info.Env(), refuses_new(integer(info[0])));
}

// (family, port, numbers: BigUint64Array)
Napi::Value list_unmade_connections(const Napi::CallbackInfo& info) {
  auto numbers = info[2].As<Napi::BigUint64Array>();
  return number(info.Env(),
                list_handshakes(integer(info[0]), static_cast<uint16_t>(integer(info[1])),
                                numbers.Data(), static_cast<int>(numbers.ElementLength())));
}

// (fd)
Napi::Value has_pending_connection(const Napi::CallbackInfo& info) {
  return number(info.Env(), has_pending(integer(info[0])));
}

// (inode)
Napi::Value unix_queue_length(const Napi::CallbackInfo& info) {
  return number(info.Env(), unix_queue_length(info[0].As<Napi::Number>().Uint32Value()));
}

// (fd, sockaddr, port)
Napi::Value bind_inet_socket(const Napi::CallbackInfo& info) {
  Napi::ArrayBuffer sockaddr = info[1].As<Napi::ArrayBuffer>();
  Endpoint endpoint;
  if (!copy_endpoint(sockaddr.Data(), sockaddr.ByteLength(), &endpoint)) {
    return number(info.Env(), -EINVAL);
  }
  set_endpoint_port(&endpoint, static_cast<uint16_t>(integer(info[2])));
  return number(info.Env(), bind_to(integer(info[0]), endpoint));
}

// (fd, path)
Napi::Value bind_unix_socket(const Napi::CallbackInfo& info) {
  const Text<kAddressText> path(info[1]);
  if (!path.fits) return number(info.Env(), -ENAMETOOLONG);

  Endpoint endpoint;
  const int error = unix_endpoint(path.bytes, path.length, &endpoint);
  if (error < 0) return number(info.Env(), error);
  return number(info.Env(), bind_to(integer(info[0]), endpoint));
}

// (fd, backlog)
Napi::Value listen_socket(const Napi::CallbackInfo& info) {
  return number(info.Env(), listen_on(integer(info[0]), integer(info[1])));
}

// (fd)
Napi::Value socket_name(const Napi::CallbackInfo& info) {
  Endpoint endpoint;
  const int error = local_endpoint(integer(info[0]), &endpoint);
  return error < 0 ? number(info.Env(), error) : describe_endpoint(info.Env(), endpoint);
}

// (fd)
Napi::Value close_socket(const Napi::CallbackInfo& info) {
  return number(info.Env(), close_descriptor(integer(info[0])));
}

Napi::Object socket_constants(Napi::Env env) {
  Napi::Object constants = Napi::Object::New(env);
  const auto set = [&](const char* name, int value) { constants.Set(name, number(env, value)); };
#define PREFORK_CONSTANT(name) set(#name, name)
  PREFORK_CONSTANT(AF_UNSPEC);
  PREFORK_CONSTANT(AF_INET);
  PREFORK_CONSTANT(AF_INET6);
  PREFORK_CONSTANT(AF_UNIX);
  PREFORK_CONSTANT(AI_PASSIVE);
  PREFORK_CONSTANT(AI_CANONNAME);
  PREFORK_CONSTANT(AI_NUMERICHOST);
  PREFORK_CONSTANT(AI_NUMERICSERV);
  PREFORK_CONSTANT(AI_V4MAPPED);
  PREFORK_CONSTANT(AI_ALL);
  PREFORK_CONSTANT(AI_ADDRCONFIG);
  PREFORK_CONSTANT(EAI_AGAIN);
  PREFORK_CONSTANT(EAI_BADFLAGS);
  PREFORK_CONSTANT(EAI_FAIL);
  PREFORK_CONSTANT(EAI_FAMILY);
  PREFORK_CONSTANT(EAI_MEMORY);
  PREFORK_CONSTANT(EAI_NONAME);
  PREFORK_CONSTANT(EAI_OVERFLOW);
  PREFORK_CONSTANT(EAI_SERVICE);
  PREFORK_CONSTANT(EAI_SOCKTYPE);
#ifdef EAI_ADDRFAMILY  // glibc only
  PREFORK_CONSTANT(EAI_ADDRFAMILY);
#endif
#ifdef EAI_NODATA
  PREFORK_CONSTANT(EAI_NODATA);
#endif
  PREFORK_CONSTANT(IPPROTO_IPV6);
  PREFORK_CONSTANT(IPV6_V6ONLY);
  PREFORK_CONSTANT(SOL_SOCKET);
  PREFORK_CONSTANT(SO_ACCEPTCONN);
  PREFORK_CONSTANT(SO_REUSEADDR);
  PREFORK_CONSTANT(SO_REUSEPORT);
#undef PREFORK_CONSTANT
  return constants;
}

}  // namespace prefork
