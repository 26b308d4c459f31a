// Reads positional JavaScript arguments. lib/ has validated their meaning; here only what memory safety needs is
// checked again: the type of every array, that it is long enough, and that all arrays of a call lie in one memory.
#ifndef RETINANET_OPS_ARGUMENTS_H
#define RETINANET_OPS_ARGUMENTS_H

#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
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

class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

  double Number() {
    double value = 0;
    if (napi_get_value_double(info_.Env(), Next(), &value) != napi_ok) Fail("a number");
    return value;
  }

  int64_t Count() {
    const double value = Number();
    if (!(value >= 0 && value <= 9007199254740991.0)) Fail("a count");
    return static_cast<int64_t>(value);
  }

  bool NextIsNumber() const { return info_[index_].IsNumber(); }

  bool Boolean() {
    bool value = false;
    if (napi_get_value_bool(info_.Env(), Next(), &value) != napi_ok) Fail("a boolean");
    return value;
  }

  void Null() {
    if (!Next().IsNull()) Fail("null");
  }

  Napi::Object Object() {
    const Napi::Value value = Next();
    if (!value.IsObject()) Fail("an object");
    return value.As<Napi::Object>();
  }

  // Arrays of the call.
  template <class T>
  Slice<T> Array(int64_t at_least) {
    return Read<T>(at_least, false, call_);
  }
  template <class T>
  Slice<T> ArrayOrNull(int64_t at_least) {
    return Read<T>(at_least, true, call_);
  }
  // Arrays that may lie in the host's memory while the call's lie on a device: `home` says where.
  template <class T>
  Slice<T> ArrayIn(Home& home, int64_t at_least) {
    return Read<T>(at_least, false, home);
  }
  template <class T>
  Slice<T> ArrayOrNullIn(Home& home, int64_t at_least) {
    return Read<T>(at_least, true, home);
  }
  // Arrays that lie in the host's memory whatever the call's do.
  template <class T>
  Slice<T> HostArray(int64_t at_least) {
    return FromHost<T>(Next(), at_least);
  }
  template <class T>
  Slice<T> HostArrayOrNull(int64_t at_least) {
    const Napi::Value value = Next();
    return value.IsNull() ? Slice<T>{} : FromHost<T>(value, at_least);
  }

  // A host array for elements of a device's type: float16 and bfloat16 come as float32.
  void* HostArrayOf(ElementType type, int64_t at_least) {
    if (type == ElementType::kInt32) return HostArray<int32_t>(at_least).data;
    if (type == ElementType::kFloat64) return HostArray<double>(at_least).data;
    return HostArray<float>(at_least).data;
  }

  // A network's output, or a gradient by it: float32, on a device also float16 or bfloat16, but of one type in a call.
  void* Activations(int64_t at_least) {
    const Napi::Value value = Next();
    if (value.IsTypedArray()) return Use<float>(value, at_least, call_).data;
    const DeviceBuffer* buffer = DeviceBuffer::Of(info_.Env(), value);
    if (!buffer) FailOnHost<float>(at_least);
    const auto type = static_cast<rn_dtype>(buffer->type);
    if (type > RN_BFLOAT16 || (activations_known_ && type != activations_)) Fail("outputs of one floating type");
    activations_ = type;
    activations_known_ = true;
    return Use(*buffer, buffer->type, at_least, call_);
  }
  void* ActivationsOrNull(int64_t at_least) {
    if (!info_[index_].IsNull()) return Activations(at_least);
    ++index_;
    return nullptr;
  }
  rn_dtype ActivationType() const { return activations_; }

  // Null, or a device tensor of one float32 or float64.
  const void* DeviceNumberOrNull(bool* is_float64) {
    const Napi::Value value = Next();
    if (value.IsNull()) return nullptr;
    const DeviceBuffer* buffer = DeviceBuffer::Of(info_.Env(), value);
    *is_float64 = buffer && buffer->type == ElementType::kFloat64;
    if (!buffer || (buffer->type != ElementType::kFloat32 && !*is_float64)) Fail("a device tensor of one number");
    return Use(*buffer, buffer->type, 1, call_);
  }

  // Null, or a function.
  Napi::Function FunctionOrNull() {
    const Napi::Value value = Next();
    if (value.IsNull()) return {};
    if (!value.IsFunction()) Fail("a function");
    return value.As<Napi::Function>();
  }

  // An address or a handle.
  void* Address() {
    uint64_t address = 0;
    bool lossless = false;
    if (napi_get_value_bigint_uint64(info_.Env(), Next(), &address, &lossless) != napi_ok || !lossless) {
      Fail("a BigInt of 64 bits");
    }
    void* pointer = nullptr;
    std::memcpy(&pointer, &address, sizeof pointer);
    return pointer;
  }

  // A number, as an array of one in the memory of the arrays read so far.
  const float* NumberAsArray();

  // A list of device tensors of one float64 each.
  void NumbersOnDevice(double** out, size_t count);

  // Whatever device buffer comes.
  DeviceBuffer& Buffer() {
    DeviceBuffer* buffer = DeviceBuffer::Of(info_.Env(), Next());
    if (!buffer) Fail("a device tensor");
    Use(*buffer, buffer->type, 0, call_);
    return *buffer;
  }

  // As Buffer(), whatever device it lies on.
  DeviceBuffer& BufferAnywhere() {
    Home home;
    DeviceBuffer* buffer = DeviceBuffer::Of(info_.Env(), Next());
    if (!buffer) Fail("a device tensor");
    Use(*buffer, buffer->type, 0, home);
    call_ = home;
    return *buffer;
  }

  // Where the call's arrays lie, once all have been read.
  const rn_place& Place() const { return call_.place; }
  void Join(const Home& home) {
    if (home.known && home.place.memory == RN_DEVICE) Join(call_, home.place);
  }

  // What the call needs until it has run, whatever JavaScript disposes of meanwhile.
  std::vector<std::shared_ptr<void>> TakeHeld() { return std::move(held_); }

  // The product of two counts, refused where it leaves 64 bits.
  int64_t Product(int64_t a, int64_t b) {
    if (a != 0 && b > INT64_MAX / a) Fail("counts whose product fits 64 bits");
    return a * b;
  }

  Napi::Env Env() const { return info_.Env(); }

  [[noreturn]] void Fail(const std::string& expected) const {
    throw Napi::TypeError::New(info_.Env(), "native argument " + std::to_string(index_) + ": expected " + expected);
  }

 private:
  Napi::Value Next() { return info_[index_++]; }

  template <class T>
  Slice<T> Read(int64_t at_least, bool nullable, Home& home) {
    const Napi::Value value = Next();
    return nullable && value.IsNull() ? Slice<T>{} : Use<T>(value, at_least, home);
  }

  template <class T>
  Slice<T> Use(const Napi::Value& value, int64_t at_least, Home& home) {
    Slice<T> host;
    if (!ReadHost(value, at_least, &host)) {  // asked first: it costs less than telling whether a value is a tensor
      if (const DeviceBuffer* buffer = DeviceBuffer::Of(info_.Env(), value)) {
        return {static_cast<T*>(Use(*buffer, ArrayType<T>::kElement, at_least, home)), buffer->length};
      }
      FailOnHost<T>(at_least);
    }
    Join(home, {RN_HOST, 0});
    return host;
  }

  void* Use(const DeviceBuffer& buffer, ElementType type, int64_t at_least, Home& home) {
    if (!buffer.memory) Fail("a device tensor that has not been disposed of");
    if (buffer.type != type || buffer.length < at_least) {
      Fail("a device tensor of its type and at least " + std::to_string(at_least) + " elements");
    }
    Join(home, buffer.memory->place());
    held_.push_back(buffer.memory);
    return buffer.data();
  }

  template <class T>
  Slice<T> FromHost(const Napi::Value& value, int64_t at_least) {
    Slice<T> host;
    if (!ReadHost(value, at_least, &host)) FailOnHost<T>(at_least);
    return host;
  }

  // Whether it is a typed array of that kind and length.
  template <class T>
  bool ReadHost(const Napi::Value& value, int64_t at_least, Slice<T>* host) {
    napi_typedarray_type actual;
    size_t length = 0;
    void* data = nullptr;
    if (napi_get_typedarray_info(info_.Env(), value, &actual, &length, &data, nullptr, nullptr) != napi_ok ||
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

  void Join(Home& home, const rn_place& place) {
    if (home.known && (home.place.memory != place.memory || home.place.device != place.device)) {
      Fail("arrays that all lie in one memory");
    }
    home = {true, place};
  }

  const Napi::CallbackInfo& info_;
  size_t index_ = 0;
  Home call_;
  rn_dtype activations_ = RN_FLOAT32;
  bool activations_known_ = false;
  std::vector<std::shared_ptr<void>> held_;
};

// One argument: null (switched off, where that is allowed), a number for all classes, or a Float64Array [classes].
struct PerClassArgument {
  rn_per_class Read(Arguments& args, int64_t classes, bool nullable) {
    if (args.NextIsNumber()) {
      number_ = args.Number();
      return {&number_, 1};
    }
    const Slice<double> values = nullable ? args.HostArrayOrNull<double>(classes) : args.HostArray<double>(classes);
    return {values.data, values.data ? classes : 0};
  }

 private:
  double number_ = 0;
};

// The last argument, for outputs of one number each: null, and ToJavaScript() gives them as an array; in a call on a
// device a list of as many tensors of one float64, which the kernels write.
template <size_t count>
class NumbersArgument {
 public:
  void Read(Arguments& args) {
    for (size_t i = 0; i < count; ++i) pointers_[i] = &values_[i];
    on_device_ = args.Place().memory == RN_DEVICE;
    if (on_device_) {
      args.NumbersOnDevice(pointers_, count);
    } else {
      args.Null();
    }
  }
  double* operator[](size_t i) const { return pointers_[i]; }
  Napi::Value ToJavaScript(Napi::Env env) const {
    if (on_device_) return env.Undefined();
    Napi::Array array = Napi::Array::New(env, count);
    for (size_t i = 0; i < count; ++i) array[static_cast<uint32_t>(i)] = Napi::Number::New(env, values_[i]);
    return array;
  }

 private:
  double values_[count] = {};
  double* pointers_[count];
  bool on_device_ = false;
};

// Arguments (gradOutput | null, losses | null) of a loss over `elements` elements.
template <class Op>
void ReadUpstreamAndLosses(Arguments& args, int64_t elements, Op& op) {
  if (args.NextIsNumber()) {
    op.grad_output = args.NumberAsArray();
    op.grad_output_count = 1;
  } else {
    const Slice<float> grad_output = args.ArrayOrNull<float>(elements);
    op.grad_output = grad_output.data;
    op.grad_output_count = grad_output.data ? elements : 0;
  }
  op.losses = args.ArrayOrNull<float>(elements).data;
}

// Arguments (levels, data): levels null means data is boxes [A, 4]; otherwise levels is [L, 4] of (height, width,
// stride, first anchor) and data the half sizes [L, S, 2].
struct AnchorsArgument {
  std::vector<rn_grid_level> levels;
  rn_anchors anchors{};

  explicit AnchorsArgument(Arguments& args) {
    const Slice<double> grid = args.HostArrayOrNull<double>(0);
    if (!grid.data) {
      const Slice<float> boxes = args.Array<float>(0);
      anchors.count = boxes.length / 4;
      anchors.boxes = boxes.data;
      return;
    }
    const Slice<float> data = args.HostArray<float>(0);
    const int64_t count = grid.length / 4;
    if (count == 0) args.Fail("at least one level");
    anchors.anchors_per_cell = data.length / 2 / count;
    for (int64_t l = 0; l < count; ++l) {
      const double* level = grid.data + 4 * l;
      levels.push_back({static_cast<int64_t>(level[0]), static_cast<int64_t>(level[1]), level[2], anchors.count,
                        data.data + 2 * anchors.anchors_per_cell * l});
      anchors.count += args.Product(args.Product(levels.back().height, levels.back().width), anchors.anchors_per_cell);
    }
    anchors.levels = levels.data();
    anchors.num_levels = count;
  }

  AnchorsArgument(const AnchorsArgument&) = delete;
  AnchorsArgument& operator=(const AnchorsArgument&) = delete;
};

// Arguments (boxes, labels, offsets, ignoreBoxes | null, ignoreOffsets | null), in the host's memory or where the
// call's arrays lie; offsets in the host's. Those are copied: they decide which memory is read, and another thread may
// write to a SharedArrayBuffer.
struct GroundTruthArgument {
  std::vector<int32_t> offsets, ignore_offsets;
  rn_ground_truth truth{};

  explicit GroundTruthArgument(Arguments& args) {
    Home home;
    const Slice<float> boxes = args.ArrayIn<float>(home, 0);
    const Slice<int32_t> labels = args.ArrayIn<int32_t>(home, boxes.length / 4);
    offsets = Offsets(args, args.HostArray<int32_t>(1), boxes.length / 4);
    const Slice<float> ignore_boxes = args.ArrayOrNullIn<float>(home, 0);
    const auto ignore = args.HostArrayOrNull<int32_t>(static_cast<int64_t>(offsets.size()));
    args.Join(home);
    truth = {home.place.memory,
             static_cast<int64_t>(offsets.size()) - 1,
             boxes.data,
             labels.data,
             offsets.data(),
             nullptr,
             nullptr};
    if (ignore_boxes.data && ignore.data) {
      ignore_offsets = Offsets(args, ignore, ignore_boxes.length / 4);
      truth.ignore_boxes = ignore_boxes.data;
      truth.ignore_offsets = ignore_offsets.data();
    }
  }

  GroundTruthArgument(const GroundTruthArgument&) = delete;
  GroundTruthArgument& operator=(const GroundTruthArgument&) = delete;

 private:
  static std::vector<int32_t> Offsets(const Arguments& args, const Slice<int32_t>& slice, int64_t rows) {
    std::vector<int32_t> copy(slice.data, slice.data + slice.length);
    int32_t previous = 0;
    for (const int32_t offset : copy) {
      if (offset < previous || offset > rows) args.Fail("offsets that rise within the boxes");
      previous = offset;
    }
    return copy;
  }
};

}  // namespace rn::addon

#endif
