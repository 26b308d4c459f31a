// Device tensors' memory: to make it, fill it, read it, give it back; and what there is of it. All but the pinned array
// are operations of the CUDA backend, so that they run synchronously or on a worker thread as the others do.
#include <cstdio>

#include "../backend/cuda_loader.h"
#include "half.h"
#include "operation.h"

namespace rn::addon {
namespace {

const rn_cuda_plugin& Plugin() { return *Cuda().plugin; }

bool IsHalf(ElementType type) { return type == ElementType::kFloat16 || type == ElementType::kBfloat16; }

// (tensor, device, type, length): ties the object to new memory.
class Allocate final : public Operation {
 public:
  explicit Allocate(Arguments& args) : tensor_(args.Object()) {
    place_.device = static_cast<int32_t>(args.Count());
    const int64_t type = args.Count();
    if (type > static_cast<int64_t>(ElementType::kFloat64)) args.Fail("an element type");
    type_ = static_cast<ElementType>(type);
    length_ = args.Count();
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
  explicit Upload(Arguments& args) {
    const DeviceBuffer& tensor = args.Buffer();
    type_ = tensor.type;
    length_ = tensor.length;
    to_ = tensor.memory;
    from_ = args.HostArrayOf(type_, length_);
  }
  rn_status Run(const rn_backend&) override {
    const int64_t bytes = length_ * BytesOf(type_);
    const void* from = from_;
    std::shared_ptr<Memory> narrow;
    if (IsHalf(type_)) {
      const rn_status status = Memory::Allocate({RN_HOST, 0}, bytes, &narrow);
      if (status.code != RN_OK) return status;
      Narrow(type_, static_cast<const float*>(from_), length_, narrow->As<uint16_t>());
      from = narrow->As<void>();
    }
    return Plugin().upload(to_->place().device, to_->As<void>(), from, bytes);
  }

 private:
  ElementType type_;
  int64_t length_;
  std::shared_ptr<Memory> to_;
  const void* from_;
};

// (tensor, typed array of its length that receives the elements); waits for the work queued before.
class Download final : public Operation {
 public:
  explicit Download(Arguments& args) {
    const DeviceBuffer& tensor = args.Buffer();
    type_ = tensor.type;
    length_ = tensor.length;
    from_ = tensor.memory;
    to_ = args.HostArrayOf(type_, length_);
  }
  rn_status Run(const rn_backend&) override {
    const int64_t bytes = length_ * BytesOf(type_);
    if (!IsHalf(type_)) return Plugin().download(from_->place().device, to_, from_->As<void>(), bytes);
    std::shared_ptr<Memory> narrow;
    rn_status status = Memory::Allocate({RN_HOST, 0}, bytes, &narrow);
    if (status.code != RN_OK) return status;
    status = Plugin().download(from_->place().device, narrow->As<void>(), from_->As<void>(), bytes);
    if (status.code == RN_OK) Widen(type_, narrow->As<uint16_t>(), length_, static_cast<float*>(to_));
    return status;
  }

 private:
  ElementType type_;
  int64_t length_;
  std::shared_ptr<Memory> from_;
  void* to_;
};

// (to, from): as many elements as `to` has, from the beginning of a tensor of its type on its device.
class Copy final : public Operation {
 public:
  explicit Copy(Arguments& args) {
    const DeviceBuffer& to = args.Buffer();
    const DeviceBuffer& from = args.Buffer();
    if (from.type != to.type || from.length < to.length) args.Fail("a tensor of the same type, as long or longer");
    to_ = to.memory;
    from_ = from.memory;
    bytes_ = to.length * BytesOf(to.type);
  }
  rn_status Run(const rn_backend&) override {
    return Plugin().copy(to_->place().device, to_->As<void>(), from_->As<void>(), bytes_);
  }

 private:
  std::shared_ptr<Memory> to_, from_;
  int64_t bytes_;
};

// (tensor): sets every bit to 0.
class Clear final : public Operation {
 public:
  explicit Clear(Arguments& args) {
    const DeviceBuffer& tensor = args.Buffer();
    memory_ = tensor.memory;
    bytes_ = tensor.length * BytesOf(tensor.type);
  }
  rn_status Run(const rn_backend&) override {
    return Plugin().clear(memory_->place().device, memory_->As<void>(), bytes_);
  }

 private:
  std::shared_ptr<Memory> memory_;
  int64_t bytes_;
};

// (device)
class Synchronize final : public Operation {
 public:
  explicit Synchronize(Arguments& args) : device_(static_cast<int32_t>(args.Count())) {}
  rn_status Run(const rn_backend&) override { return Plugin().synchronize(device_); }

 private:
  int32_t device_;
};

// (device)
class MemoryOf final : public Operation {
 public:
  explicit MemoryOf(Arguments& args) : device_(static_cast<int32_t>(args.Count())) {}
  rn_status Run(const rn_backend&) override { return Plugin().memory(device_, &memory_); }
  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    result.Set("numTensors", static_cast<double>(DeviceBuffer::Count(device_)));
    result.Set("bytes", static_cast<double>(memory_.tensor_bytes));
    result.Set("peak", static_cast<double>(memory_.peak_bytes));
    result.Set("reserved", static_cast<double>(memory_.reserved_bytes));
    result.Set("pinned", static_cast<double>(memory_.pinned_bytes));
    return result;
  }

 private:
  int32_t device_;
  rn_device_memory memory_{};
};

// (bytes): an ArrayBuffer over pinned memory, or undefined where the runtime forbids buffers over memory not its own.
class Pinned final : public Operation {
 public:
  explicit Pinned(Arguments& args) : bytes_(args.Count()) {}
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
  DeviceBuffer::Tie(info[0].As<Napi::Object>(), holder->type, holder->length, holder->memory);
  holder->Dispose();
}

// (tensor). Nothing happens where it has been disposed of before.
void Dispose(const Napi::CallbackInfo& info) {
  if (DeviceBuffer* buffer = DeviceBuffer::Of(info.Env(), info[0])) buffer->Dispose();
}

// (tensor): its address, or undefined once it has been disposed of.
Napi::Value Pointer(const Napi::CallbackInfo& info) {
  const DeviceBuffer* buffer = DeviceBuffer::Of(info.Env(), info[0]);
  if (!buffer || !buffer->memory) return info.Env().Undefined();
  return Napi::BigInt::New(info.Env(), static_cast<uint64_t>(reinterpret_cast<uintptr_t>(buffer->memory->As<void>())));
}

}  // namespace

void ExportDeviceMemory(Napi::Object exports) {
  Export<Allocate>(exports, "deviceAllocate");
  Export<Upload>(exports, "deviceUpload");
  Export<Download>(exports, "deviceDownload");
  Export<Copy>(exports, "deviceCopy");
  Export<Clear>(exports, "deviceClear");
  Export<Synchronize>(exports, "deviceSynchronize");
  Export<MemoryOf>(exports, "deviceMemory");
  Export<Pinned>(exports, "devicePinned");
  const Napi::Env env = exports.Env();
  exports.Set("deviceAdopt", Napi::Function::New(env, Adopt, "deviceAdopt"));
  exports.Set("deviceDispose", Napi::Function::New(env, Dispose, "deviceDispose"));
  exports.Set("devicePointer", Napi::Function::New(env, Pointer, "devicePointer"));
}

}  // namespace rn::addon
