#include "binding/binding.h"
#include "loop/active.h"

namespace prefork {

static Napi::Object to_object(Napi::Env env, const LoopHandle& handle) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("type", handle.type);
  object.Set("fd", handle.fd);
  object.Set("pid", handle.pid);
  object.Set("listening", handle.listening);
  object.Set("passesHandles", handle.passes_handles);
  object.Set("path", handle.path);
  object.Set("local", handle.local);
  object.Set("remote", handle.remote);
  return object;
}

Napi::Value list_active_handles(const Napi::CallbackInfo& info) {
  const std::vector<LoopHandle> handles = active_handles(loop_of(info.Env()));
  Napi::Array list = Napi::Array::New(info.Env(), handles.size());
  for (size_t i = 0; i < handles.size(); i++) list.Set(i, to_object(info.Env(), handles[i]));
  return list;
}

}  // namespace prefork
