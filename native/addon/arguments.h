// Reads the fields of a call by name. lib/ has validated their meaning; here only what memory safety needs is checked
// again: the type of every array, that it is long enough, and that all arrays of a call lie in one memory.
#ifndef RETINANET_OPS_ARGUMENTS_H
#define RETINANET_OPS_ARGUMENTS_H

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../backend/backend.h"
#include "memory.h"

namespace rn::addon {

// An array in the memory of its call: only kernels may look at `data`. Or, from a Host* function, in the host's.
template <class T>
struct Slice {
  T* data = nullptr;
  int64_t length = 0;
};

// Where the arrays of one group lie: all in the host's memory, or all in one device's.
struct Home {
  bool known = false;
  rn_place place{RN_HOST, 0};
};

template <class T>
struct ArrayType;
template <>
struct ArrayType<float> {
  static constexpr const char* kName = "Float32Array";
  static constexpr napi_typedarray_type kKind = napi_float32_array;
  static constexpr ElementType kElement = ElementType::kFloat32;
};
template <>
struct ArrayType<int32_t> {
  static constexpr const char* kName = "Int32Array";
  static constexpr napi_typedarray_type kKind = napi_int32_array;
  static constexpr ElementType kElement = ElementType::kInt32;
};
template <>
struct ArrayType<double> {
  static constexpr const char* kName = "Float64Array";
  static constexpr napi_typedarray_type kKind = napi_float64_array;
  static constexpr ElementType kElement = ElementType::kFloat64;
};

template <>
struct ArrayType<uint8_t> {
  static constexpr const char* kName = "Uint8Array";
  static constexpr napi_typedarray_type kKind = napi_uint8_array;
};

// A property lookup a field would cost more than a small call may take: values come as positional JavaScript arguments,
// in the order in which an operation reads them. lib/ has learned the order from a run on no call at all, which writes
// the names down and answers with nothing: every field is read in every call, whatever the values of others.
class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : env_(info.Env()), info_(&info) {}
  // Writes down what is read.
  Arguments(Napi::Env env, std::vector<std::string>* names) : env_(env), names_(names) {}

  // Whether names are written down: then values mean nothing.
  bool IsRecording() const { return names_ != nullptr; }

  double Number(const char* name);
  int64_t Count(const char* name);
  bool Boolean(const char* name);
  ElementType Type(const char* name);
  rn_regression Regression(const char* name);
  int32_t Device();
  Napi::Object Object(const char* name);
  // An address or a handle.
  void* Address(const char* name);
  Napi::Function FunctionOrNull(const char* name);

  // Arrays of the call.
  template <class T>
  Slice<T> Array(const char* name, int64_t at_least) {
    return ArrayIn<T>(call_, name, at_least);
  }
  template <class T>
  Slice<T> ArrayOrNull(const char* name, int64_t at_least) {
    return ArrayOrNullIn<T>(call_, name, at_least);
  }
  // Null, an array of the call, cut to `at_least`, or a number: an array of one in the memory of the arrays read so
  // far.
  Slice<float> ArrayOrNumber(const char* name, int64_t at_least);

  // Arrays that may lie in the host's memory while the call's lie on a device: `home` says where.
  template <class T>
  Slice<T> ArrayIn(Home& home, const char* name, int64_t at_least) {
    return Take(name, [&](const Napi::Value& value) { return Use<T>(value, at_least, home); });
  }
  template <class T>
  Slice<T> ArrayOrNullIn(Home& home, const char* name, int64_t at_least) {
    return Take(name,
                [&](const Napi::Value& value) { return value.IsNull() ? Slice<T>{} : Use<T>(value, at_least, home); });
  }

  // Arrays that lie in the host's memory whatever the call's do.
  template <class T>
  Slice<T> HostArray(const char* name, int64_t at_least) {
    return Take(name, [&](const Napi::Value& value) { return FromHost<T>(value, at_least); });
  }
  template <class T>
  Slice<T> HostArrayOrNull(const char* name, int64_t at_least) {
    return Take(name,
                [&](const Napi::Value& value) { return value.IsNull() ? Slice<T>{} : FromHost<T>(value, at_least); });
  }
  // One for elements of a device's type: float16 and bfloat16 come as float32.
  void* HostArrayOf(ElementType type, const char* name, int64_t at_least);
  // Null, where `nullable`, an array of the host's, or a number: as an array of one, `number`.
  Slice<double> HostArrayOrNumber(const char* name, int64_t at_least, bool nullable, double* number);

  // A network's output, or a gradient by it: float32, on a device also float16 or bfloat16, but of one type in a call.
  void* Activations(const char* name, int64_t at_least);
  void* ActivationsOrNull(const char* name, int64_t at_least);
  rn_dtype ActivationType() const { return activations_; }

  // Null, or a device tensor of one float32 or float64.
  const void* DeviceNumberOrNull(const char* name, bool* is_float64);

  // Outputs of one number each, once all arrays have been read: in a call on a device a list of tensors of one float64,
  // to which `out` then points; otherwise null, and false.
  bool NumbersOnDevice(const char* name, double** out, size_t count);

  // Whatever tensor comes.
  const DeviceBuffer* Buffer(const char* name);
  // As Buffer(), whatever device it lies on.
  const DeviceBuffer* BufferAnywhere(const char* name);

  // Where the call's arrays lie, once all have been read.
  const rn_place& Place() const { return call_.place; }
  void Join(const Home& home) {
    if (home.known && home.place.memory == RN_DEVICE) Join(call_, home.place);
  }

  // What the call needs until it has run, whatever JavaScript disposes of meanwhile.
  std::vector<std::shared_ptr<void>> TakeHeld() { return std::move(held_); }

  // The product of two counts, refused where it leaves 64 bits.
  int64_t Product(int64_t a, int64_t b) const {
    if (a != 0 && b > INT64_MAX / a) Fail("counts whose product fits 64 bits");
    return a * b;
  }

  Napi::Env Env() const { return env_; }

  // Says it of the field read last.
  [[noreturn]] void Fail(const std::string& expected) const { Fail(name_, expected); }
  [[noreturn]] void Fail(const char* name, const std::string& expected) const;

 private:
  // `read` makes of the field's value what is wanted of it.
  template <class Read>
  auto Take(const char* name, const Read& read) -> decltype(read(Napi::Value())) {
    name_ = name;
    if (info_) return read((*info_)[index_++]);
    if (names_) names_->emplace_back(name);
    return {};
  }

  template <class T>
  Slice<T> Use(const Napi::Value& value, int64_t at_least, Home& home) {
    Slice<T> host;
    if (!ReadHost(value, at_least, &host)) {  // asked first: it costs less than telling whether a value is a tensor
      if (const DeviceBuffer* buffer = DeviceBuffer::Of(Env(), value)) {
        return {static_cast<T*>(Use(*buffer, ArrayType<T>::kElement, at_least, home)), buffer->length};
      }
      FailOnHost<T>(at_least);
    }
    Join(home, {RN_HOST, 0});
    return host;
  }

  void* Use(const DeviceBuffer& buffer, ElementType type, int64_t at_least, Home& home);
  void* UseActivations(const Napi::Value& value, int64_t at_least);
  const DeviceBuffer* UseAny(const Napi::Value& value, Home& home);
  float* NumberAsArray(float number);

  template <class T>
  Slice<T> FromHost(const Napi::Value& value, int64_t at_least) const {
    Slice<T> host;
    if (!ReadHost(value, at_least, &host)) FailOnHost<T>(at_least);
    return host;
  }

  // Whether it is a typed array of that kind and length.
  template <class T>
  bool ReadHost(const Napi::Value& value, int64_t at_least, Slice<T>* host) const {
    napi_typedarray_type actual;
    size_t length = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(Env(), value, &actual, &length, &data, nullptr, nullptr) != napi_ok ||
        actual != ArrayType<T>::kKind || static_cast<int64_t>(length) < at_least) {
      return false;
    }
    *host = {static_cast<T*>(data), static_cast<int64_t>(length)};
    return true;
  }

  template <class T>
  [[noreturn]] void FailOnHost(int64_t at_least) const {
    Fail(std::string(ArrayType<T>::kName) + " of at least " + std::to_string(at_least) + " elements");
  }

  void Join(Home& home, const rn_place& place);

  const Napi::Env env_;
  const Napi::CallbackInfo* const info_ = nullptr;
  std::vector<std::string>* const names_ = nullptr;
  const char* name_ = "";
  size_t index_ = 0;
  Home call_;
  rn_dtype activations_ = RN_FLOAT32;
  bool activations_known_ = false;
  std::vector<std::shared_ptr<void>> held_;
};

}  // namespace rn::addon

#endif
