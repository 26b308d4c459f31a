#include "arguments.h"

#include <cstring>
#include <iterator>

#include "../backend/cuda_loader.h"
#include "operation.h"

namespace rn::addon {

double Arguments::Number(const char* name) {
  return Take(name, [&](const Napi::Value& value) {
    double number = 0;
    if (napi_get_value_double(Env(), value, &number) != napi_ok) Fail("a number");
    return number;
  });
}

int64_t Arguments::Count(const char* name) {
  const double number = Number(name);
  if (!(number >= 0 && number <= 9007199254740991.0)) Fail("a count");
  return static_cast<int64_t>(number);
}

ElementType Arguments::Type(const char* name) {
  const int64_t type = Count(name);
  if (type >= static_cast<int64_t>(std::size(kElementNames))) Fail("an element type");
  return static_cast<ElementType>(type);
}

rn_regression Arguments::Regression(const char* name) {
  const int64_t kind = Count(name);
  if (kind >= RN_NUM_REGRESSIONS) Fail("a kind of regression");
  return static_cast<rn_regression>(kind);
}

int32_t Arguments::Device() { return static_cast<int32_t>(Count("device")); }

bool Arguments::Boolean(const char* name) {
  return Take(name, [&](const Napi::Value& value) {
    bool boolean = false;
    if (napi_get_value_bool(Env(), value, &boolean) != napi_ok) Fail("a boolean");
    return boolean;
  });
}

Napi::Object Arguments::Object(const char* name) {
  return Take(name, [&](const Napi::Value& value) {
    if (!value.IsObject()) Fail("an object");
    return value.As<Napi::Object>();
  });
}

void* Arguments::Address(const char* name) {
  return Take(name, [&](const Napi::Value& value) {
    uint64_t address = 0;
    bool lossless = false;
    if (napi_get_value_bigint_uint64(Env(), value, &address, &lossless) != napi_ok || !lossless) {
      Fail("a BigInt of 64 bits");
    }
    void* pointer = nullptr;
    std::memcpy(&pointer, &address, sizeof pointer);
    return pointer;
  });
}

Napi::Function Arguments::FunctionOrNull(const char* name) {
  return Take(name, [&](const Napi::Value& value) -> Napi::Function {
    if (value.IsNull()) return {};
    if (!value.IsFunction()) Fail("a function");
    return value.As<Napi::Function>();
  });
}

Slice<float> Arguments::ArrayOrNumber(const char* name, int64_t at_least) {
  return Take(name, [&](const Napi::Value& value) -> Slice<float> {
    if (value.IsNull()) return {};
    double number = 0;
    if (napi_get_value_double(Env(), value, &number) == napi_ok) return {NumberAsArray(static_cast<float>(number)), 1};
    float* const data = Use<float>(value, at_least, call_).data;
    return {data, data ? at_least : 0};
  });
}

float* Arguments::NumberAsArray(float number) {
  if (Place().memory == RN_HOST) {
    auto array = std::make_shared<float>(number);
    held_.push_back(array);
    return array.get();
  }
  std::shared_ptr<Memory> array;
  rn_status status = Memory::Allocate(Place(), sizeof number, &array);
  if (status.code == RN_OK) {
    status = Cuda().plugin->upload(Place().device, array->As<void>(), &number, sizeof number);
  }
  if (status.code != RN_OK) throw ToError(Env(), status);
  held_.push_back(array);
  return array->As<float>();
}

void* Arguments::HostArrayOf(ElementType type, const char* name, int64_t at_least) {
  if (type == ElementType::kInt32) return HostArray<int32_t>(name, at_least).data;
  if (type == ElementType::kFloat64) return HostArray<double>(name, at_least).data;
  return HostArray<float>(name, at_least).data;
}

Slice<double> Arguments::HostArrayOrNumber(const char* name, int64_t at_least, bool nullable, double* number) {
  return Take(name, [&](const Napi::Value& value) -> Slice<double> {
    if (napi_get_value_double(Env(), value, number) == napi_ok) return {number, 1};
    return nullable && value.IsNull() ? Slice<double>{} : FromHost<double>(value, at_least);
  });
}

void* Arguments::Activations(const char* name, int64_t at_least) {
  return Take(name, [&](const Napi::Value& value) { return UseActivations(value, at_least); });
}

void* Arguments::ActivationsOrNull(const char* name, int64_t at_least) {
  return Take(name,
              [&](const Napi::Value& value) { return value.IsNull() ? nullptr : UseActivations(value, at_least); });
}

void* Arguments::UseActivations(const Napi::Value& value, int64_t at_least) {
  if (value.IsTypedArray()) return Use<float>(value, at_least, call_).data;
  const DeviceBuffer* buffer = DeviceBuffer::Of(Env(), value);
  if (!buffer) FailOnHost<float>(at_least);
  const auto type = static_cast<rn_dtype>(buffer->type);
  if (type > RN_BFLOAT16 || (activations_known_ && type != activations_)) Fail("outputs of one floating type");
  activations_ = type;
  activations_known_ = true;
  return Use(*buffer, buffer->type, at_least, call_);
}

const void* Arguments::DeviceNumberOrNull(const char* name, bool* is_float64) {
  return Take(name, [&](const Napi::Value& value) -> const void* {
    if (value.IsNull()) return nullptr;
    const DeviceBuffer* buffer = DeviceBuffer::Of(Env(), value);
    *is_float64 = buffer && buffer->type == ElementType::kFloat64;
    if (!buffer || (buffer->type != ElementType::kFloat32 && !*is_float64)) Fail("a device tensor of one number");
    return Use(*buffer, buffer->type, 1, call_);
  });
}

bool Arguments::NumbersOnDevice(const char* name, double** out, size_t count) {
  return Take(name, [&](const Napi::Value& value) {
    if (Place().memory == RN_HOST) {
      if (!value.IsNull()) Fail("null");
      return false;
    }
    if (!value.IsArray()) Fail("a list of device tensors");
    const Napi::Object list = value.As<Napi::Object>();
    for (size_t i = 0; i < count; ++i) {
      out[i] = Use<double>(list.Get(static_cast<uint32_t>(i)), 1, call_).data;
    }
    return true;
  });
}

const DeviceBuffer* Arguments::Buffer(const char* name) {
  return Take(name, [&](const Napi::Value& value) { return UseAny(value, call_); });
}

const DeviceBuffer* Arguments::BufferAnywhere(const char* name) {
  return Take(name, [&](const Napi::Value& value) {
    Home home;
    const DeviceBuffer* buffer = UseAny(value, home);
    call_ = home;
    return buffer;
  });
}

const DeviceBuffer* Arguments::UseAny(const Napi::Value& value, Home& home) {
  const DeviceBuffer* buffer = DeviceBuffer::Of(Env(), value);
  if (!buffer) Fail("a device tensor");
  Use(*buffer, buffer->type, 0, home);
  return buffer;
}

void* Arguments::Use(const DeviceBuffer& buffer, ElementType type, int64_t at_least, Home& home) {
  if (!buffer.memory) Fail("a device tensor that has not been disposed of");
  if (buffer.type != type || buffer.length < at_least) {
    Fail("a device tensor of its type and at least " + std::to_string(at_least) + " elements");
  }
  Join(home, buffer.memory->place());
  held_.push_back(buffer.memory);
  return buffer.data();
}

void Arguments::Join(Home& home, const rn_place& place) {
  if (home.known && (home.place.memory != place.memory || home.place.device != place.device)) {
    Fail("arrays that all lie in one memory");
  }
  home = {true, place};
}

void Arguments::Fail(const char* name, const std::string& expected) const {
  throw Napi::TypeError::New(Env(), std::string("native field ") + name + ": expected " + expected);
}

}  // namespace rn::addon
