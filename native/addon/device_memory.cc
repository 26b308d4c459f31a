// Device tensors' memory: to make it, fill it, read it, give it back; and what there is of it. All but the pinned array
// are operations of the CUDA backend, so that they run synchronously or on a worker thread as the others do.
#include <cmath>
#include <cstdio>
#include <utility>

#include "device.h"
#include "half.h"
#include "operation.h"

namespace rn::addon {
namespace {

bool IsHalf(ElementType type) { return type == ElementType::kFloat16 || type == ElementType::kBfloat16; }

// (tensor, device, type, length): ties the object to new memory.
class Allocate final : public Operation {
 public:
  explicit Allocate(Arguments& args) : tensor_(args.Object("tensor")) {
    place_.device = args.Device();
    type_ = args.Type("dtype");
    length_ = args.Count("length");
    bytes_ = args.Product(length_, BytesOf(type_));
  }
  rn_status Run(const rn_backend&) override { return Memory::Allocate(place_, bytes_, &memory_); }
  Napi::Value Result(Napi::Env env) override {
    DeviceBuffer::Tie(tensor_, type_, length_, memory_);
    return env.Undefined();
  }

 private:
  Napi::Object tensor_;  // of the calling scope: this operation is only run synchronously
  rn_place place_{RN_DEVICE, 0};
  ElementType type_;
  int64_t length_, bytes_;
  std::shared_ptr<Memory> memory_;
};

// (tensor, typed array of its length): a Float32Array for float16 and bfloat16.
class Upload final : public Operation {
 public:
  explicit Upload(Arguments& args) : to_(args.Buffer("to")), from_(args.HostArrayOf(to_.type, "from", to_.length)) {}
  rn_status Run(const rn_backend&) override {
    const void* from = from_;
    std::shared_ptr<Memory> narrow;
    if (IsHalf(to_.type)) {
      const rn_status status = Memory::Allocate({RN_HOST, 0}, to_.bytes, &narrow);
      if (status.code != RN_OK) return status;
      Narrow(to_.type, static_cast<const float*>(from_), to_.length, narrow->As<uint16_t>());
      from = narrow->As<void>();
    }
    return Plugin().upload(to_.device, to_.data, from, to_.bytes);
  }

 private:
  const Elements to_;
  const void* from_;
};

// (tensor, typed array of its length that receives the elements): as they are once what was queued before this call of
// the constructor has been done.
class Download final : public Operation {
 public:
  explicit Download(Arguments& args)
      : from_(args.Buffer("from")), to_(args.HostArrayOf(from_.type, "to", from_.length)) {}
  ~Download() override {
    if (read_) static_cast<void>(Plugin().finish_read(read_, nullptr));
  }
  rn_status Begin() override { return Plugin().begin_read(from_.device, from_.data, from_.bytes, &read_); }
  rn_status Run(const rn_backend&) override {
    if (!IsHalf(from_.type)) return Plugin().finish_read(std::exchange(read_, nullptr), to_);
    std::shared_ptr<Memory> narrow;
    rn_status status = Memory::Allocate({RN_HOST, 0}, from_.bytes, &narrow);
    if (status.code != RN_OK) return status;
    status = Plugin().finish_read(std::exchange(read_, nullptr), narrow->As<void>());
    if (status.code == RN_OK) Widen(from_.type, narrow->As<uint16_t>(), from_.length, static_cast<float*>(to_));
    return status;
  }

 private:
  const Elements from_;
  void* const to_;
  void* read_ = nullptr;
};

// (to, from): as many elements as `to` has, from the beginning of a tensor of its type.
class Copy final : public Operation {
 public:
  explicit Copy(Arguments& args) : to_(args.BufferAnywhere("to")), from_(args.BufferAnywhere("from")) {
    if (from_.type != to_.type || from_.length < to_.length) {
      args.Fail("a tensor of the same type, as long or longer");
    }
  }
  rn_status Run(const rn_backend&) override {
    return Plugin().copy(to_.device, to_.data, from_.device, from_.data, to_.bytes);
  }

 private:
  const Elements to_, from_;
};

// (tensor): sets every bit to 0.
class Clear final : public Operation {
 public:
  explicit Clear(Arguments& args) : of_(args.Buffer("tensor")) {}
  rn_status Run(const rn_backend&) override { return Plugin().clear(of_.device, of_.data, of_.bytes); }

 private:
  const Elements of_;
};

// (device): waits for what was queued before this call of the constructor.
class Synchronize final : public Operation {
 public:
  explicit Synchronize(Arguments& args) : device_(args.Device()) {}
  ~Synchronize() override {
    if (read_) static_cast<void>(Plugin().finish_read(read_, nullptr));
  }
  rn_status Begin() override { return Plugin().begin_read(device_, nullptr, 0, &read_); }
  rn_status Run(const rn_backend&) override {
    char nothing = 0;
    return Plugin().finish_read(std::exchange(read_, nullptr), &nothing);
  }

 private:
  int32_t device_;
  void* read_ = nullptr;
};

// (device, limit, trim): the latter two in bytes; negative: nothing is set, nothing is given back.
class MemoryOf final : public Operation {
 public:
  explicit MemoryOf(Arguments& args)
      : device_(args.Device()), limit_(args.Number("limit")), trim_(args.Number("trim")) {}
  rn_status Run(const rn_backend&) override {
    rn_status status{RN_OK, ""};
    if (limit_ >= 0) status = Plugin().set_limit(device_, Bytes(limit_));
    if (status.code == RN_OK && trim_ >= 0) status = Plugin().trim(device_, Bytes(trim_));
    return status.code == RN_OK ? Plugin().memory(device_, &memory_) : status;
  }
  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    result.Set("numTensors", static_cast<double>(DeviceBuffer::Count(device_)));
    result.Set("bytes", static_cast<double>(memory_.tensor_bytes));
    result.Set("peak", static_cast<double>(memory_.peak_bytes));
    result.Set("reserved", static_cast<double>(memory_.reserved_bytes));
    const bool unlimited = memory_.limit_bytes == INT64_MAX;
    result.Set("limit", unlimited ? HUGE_VAL : static_cast<double>(memory_.limit_bytes));
    result.Set("pinned", static_cast<double>(memory_.pinned_bytes));
    return result;
  }

 private:
  // Infinity: all there are.
  static int64_t Bytes(double bytes) { return bytes < 9007199254740992.0 ? static_cast<int64_t>(bytes) : INT64_MAX; }

  int32_t device_;
  double limit_, trim_;
  rn_device_memory memory_{};
};

// (bytes): an ArrayBuffer over pinned memory, or undefined where the runtime forbids buffers over memory not its own.
class Pinned final : public Operation {
 public:
  explicit Pinned(Arguments& args) : bytes_(args.Count("bytes")) {}
  rn_status Run(const rn_backend&) override { return Plugin().allocate_pinned(bytes_, &data_); }
  Napi::Value Result(Napi::Env env) override {
    napi_value buffer = nullptr;
    const napi_finalize release = [](napi_env, void* data, void* hint) {
      const std::unique_ptr<int64_t> bytes(static_cast<int64_t*>(hint));
      static_cast<void>(Plugin().release_pinned(data, *bytes));
    };
    auto bytes = std::make_unique<int64_t>(bytes_);
    const auto length = static_cast<size_t>(bytes_);
    if (napi_create_external_arraybuffer(env, data_, length, release, bytes.get(), &buffer) == napi_ok) {
      static_cast<void>(bytes.release());
      return {env, buffer};
    }
    static_cast<void>(Plugin().release_pinned(data_, bytes_));
    return env.Undefined();
  }

 private:
  int64_t bytes_;
  void* data_ = nullptr;
};

// (tensor, holder): the tensor takes over what native code tied to the holder.
void Adopt(const Napi::CallbackInfo& info) {
  DeviceBuffer* holder = DeviceBuffer::Of(info.Env(), info[1]);
  if (!holder || !holder->memory) throw Napi::TypeError::New(info.Env(), "expected an object that holds device memory");
  DeviceBuffer::Tie(info[0].As<Napi::Object>(), holder->type, holder->length, holder->memory, holder->offset);
  holder->Dispose();
}

// (tensor, of, first, length): the tensor shares the memory of `of`, whose elements from `first` on it has.
void View(const Napi::CallbackInfo& info) {
  Arguments args(info);
  const Napi::Object tensor = args.Object("tensor");
  const DeviceBuffer& of = *args.Buffer("of");
  const int64_t first = args.Count("first"), length = args.Count("length");
  if (first > of.length || length > of.length - first) args.Fail("elements of the tensor");
  DeviceBuffer::Tie(tensor, of.type, length, of.memory, of.offset + first * BytesOf(of.type));
}

// (tensor). Nothing happens where it has been disposed of before.
void Dispose(const Napi::CallbackInfo& info) {
  if (DeviceBuffer* buffer = DeviceBuffer::Of(info.Env(), info[0])) buffer->Dispose();
}

// (tensor): its address, or undefined once it has been disposed of.
Napi::Value Pointer(const Napi::CallbackInfo& info) {
  const DeviceBuffer* buffer = DeviceBuffer::Of(info.Env(), info[0]);
  if (!buffer || !buffer->memory) return info.Env().Undefined();
  return ToBigInt(info.Env(), buffer->data());
}

constexpr Binding kOperations[] = {
    {"DeviceAllocate", Read<Allocate>, Binding::kOnDevice},
    {"DeviceUpload", Read<Upload>, Binding::kOnDevice},
    {"DeviceDownload", Read<Download>, Binding::kOnDevice},
    {"DeviceCopy", Read<Copy>, Binding::kOnDevice},
    {"DeviceClear", Read<Clear>, Binding::kOnDevice},
    {"DeviceSynchronize", Read<Synchronize>, Binding::kOnDevice},
    {"DeviceMemory", Read<MemoryOf>, Binding::kOnDevice},
    {"DevicePinned", Read<Pinned>, Binding::kOnDevice},
};

}  // namespace

void ExportDeviceMemory(Napi::Object exports) {
  for (const Binding& operation : kOperations) Export(exports, operation);
  const Napi::Env env = exports.Env();
  exports.Set("deviceAdopt", Napi::Function::New(env, Adopt, "deviceAdopt"));
  exports.Set("deviceView", Napi::Function::New(env, View, "deviceView"));
  exports.Set("deviceDispose", Napi::Function::New(env, Dispose, "deviceDispose"));
  exports.Set("devicePointer", Napi::Function::New(env, Pointer, "devicePointer"));
}

}  // namespace rn::addon
