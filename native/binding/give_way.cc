// loop/give_way.h as JavaScript sees it.
#include "loop/give_way.h"

#include <errno.h>
#include <stdlib.h>

#include "binding/binding.h"

namespace prefork {

namespace {

// From give_way_start to the end of the environment, or to give_way_stop, whichever comes first.
struct Giving {
  napi_async_cleanup_hook_handle cleanup;
  GiveWay* way;
};

void release(void* data) {
  auto* giving = static_cast<Giving*>(data);
  napi_remove_async_cleanup_hook(giving->cleanup);
  free(giving);
}

void stop_with_environment(napi_async_cleanup_hook_handle, void* data) {
  give_way_stop(static_cast<Giving*>(data)->way);
}

Giving* giving_of(const Napi::CallbackInfo& info) {
  return info[0].As<Napi::External<Giving>>().Data();
}

}  // namespace

// (fd, lines: Float64Array, marks: Uint32Array, count: Int32Array, line, moment, youth)
Napi::Value start_giving_way(const Napi::CallbackInfo& info) {
  auto lines = info[1].As<Napi::Float64Array>();
  auto marks = info[2].As<Napi::Uint32Array>();
  View view = {};
  view.lines = reinterpret_cast<const Line*>(lines.Data());
  view.marks = reinterpret_cast<const Mark*>(marks.Data());
  view.count = info[3].As<Napi::Int32Array>().Data();
  view.most = static_cast<uint32_t>(lines.ByteLength() / sizeof(Line));
  view.own = info[4].As<Napi::Number>().Uint32Value();
  auto* own = reinterpret_cast<Mark*>(marks.Data()) + view.own;
  const Times times = {info[5].As<Napi::Number>().Uint32Value(),
                       info[6].As<Napi::Number>().Uint32Value()};
  uv_loop_t* loop = loop_of(info.Env());
  auto* giving = static_cast<Giving*>(calloc(1, sizeof(Giving)));
  int error = loop == nullptr ? -ENOSYS : giving == nullptr ? -ENOMEM : 0;
  if (error == 0) {
    error = give_way_start(loop, integer(info[0]), view, own, times, release, giving, &giving->way);
  }
  if (error < 0) {
    free(giving);
    return number(info.Env(), error);
  }
  napi_add_async_cleanup_hook(info.Env(), stop_with_environment, giving, &giving->cleanup);
  return Napi::External<Giving>::New(info.Env(), giving);
}

// (giving): of no use afterwards.
Napi::Value stop_giving_way(const Napi::CallbackInfo& info) {
  give_way_stop(giving_of(info)->way);
  return info.Env().Undefined();
}

// (giving)
Napi::Value never_give_way(const Napi::CallbackInfo& info) {
  give_way_never(giving_of(info)->way);
  return info.Env().Undefined();
}

}  // namespace prefork
