#include "posix/exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "binding/binding.h"
#include "fork/hand_over.h"

namespace prefork {

namespace {

char* copy_text(const Napi::Value& value) {
  size_t length = 0;
  napi_get_value_string_utf8(value.Env(), value, nullptr, 0, &length);
  char* text = static_cast<char*>(malloc(length + 1));
  if (text != nullptr) napi_get_value_string_utf8(value.Env(), value, text, length + 1, &length);
  return text;
}

// An array of JavaScript strings as exec wants it: pointers, the last one nullptr.
class Texts {
 public:
  explicit Texts(const Napi::Array& strings) : count_(strings.Length()) {
    list_ = static_cast<char**>(calloc(count_ + 1, sizeof(char*)));
    ok_ = list_ != nullptr;
    for (uint32_t i = 0; ok_ && i < count_; i++) {
      const Napi::HandleScope scope(strings.Env());
      list_[i] = copy_text(strings.Get(i));
      ok_ = list_[i] != nullptr;
    }
  }
  ~Texts() {
    for (uint32_t i = 0; list_ != nullptr && i < count_; i++) free(list_[i]);
    free(list_);
  }
  Texts(const Texts&) = delete;
  Texts& operator=(const Texts&) = delete;

  bool ok() const { return ok_; }
  char* const* list() const { return list_; }

 private:
  const uint32_t count_;
  char** list_;
  bool ok_;
};

Numbers numbers(const Napi::Value& value) {
  auto array = value.As<Napi::Int32Array>();
  return {array.Data(), array.ElementLength()};
}

}  // namespace

// (path, arguments, ["NAME=value", …] | null)
Napi::Value execute_program(const Napi::CallbackInfo& info) {
  const bool own_environment = info[2].IsNull();
  char* path = copy_text(info[0]);
  const Texts arguments(info[1].As<Napi::Array>());
  const Texts environment(own_environment ? Napi::Array::New(info.Env())
                                          : info[2].As<Napi::Array>());
  int error = -ENOMEM;
  if (path != nullptr && arguments.ok() && environment.ok()) {
    error = execute(path, arguments.list(), own_environment ? nullptr : environment.list());
  }
  free(path);
  return number(info.Env(), error);
}

// (path, arguments, ["NAME=value", …], signals, descriptors)
Napi::Value hand_process_over(const Napi::CallbackInfo& info) {
  char* path = copy_text(info[0]);
  const Texts arguments(info[1].As<Napi::Array>());
  const Texts environment(info[2].As<Napi::Array>());
  int error = -ENOMEM;
  if (path != nullptr && arguments.ok() && environment.ok()) {
    error =
        hand_over({path, arguments.list(), environment.list()}, numbers(info[3]), numbers(info[4]));
  }
  free(path);
  return number(info.Env(), error);
}

}  // namespace prefork
