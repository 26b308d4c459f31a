// What other users of CUDA in the process need: their memory as tensors, our stream, events.
#include "device.h"
#include "operation.h"

namespace rn::addon {
namespace {

// (tensor, device, type, length, address, function | null): ties the object to memory of somebody else.
class Wrap final : public Operation {
 public:
  explicit Wrap(Arguments& args) : tensor_(args.Object("tensor")), device_(args.Device()) {
    type_ = args.Type("dtype");
    length_ = args.Count("length");
    pointer_ = args.Address("pointer");
    released_ = args.FunctionOrNull("released");
  }
  rn_status Run(const rn_backend&) override { return {RN_OK, ""}; }
  Napi::Value Result(Napi::Env env) override {
    DeviceBuffer::Tie(tensor_, type_, length_, Memory::Wrap(device_, pointer_, released_));
    return env.Undefined();
  }

 private:
  Napi::Object tensor_;  // of the calling scope, as the function is: this operation is only run synchronously
  int32_t device_;
  ElementType type_;
  int64_t length_;
  void* pointer_;
  Napi::Function released_;
};

// (address): { device, bytes } of the memory there; -1: no device's, and where the number is not known.
class Locate final : public Operation {
 public:
  explicit Locate(Arguments& args) : pointer_(args.Address("pointer")) {}
  rn_status Run(const rn_backend&) override { return Plugin().locate(pointer_, &device_, &bytes_); }
  Napi::Value Result(Napi::Env env) override {
    Napi::Object result = Napi::Object::New(env);
    result.Set("device", device_);
    result.Set("bytes", static_cast<double>(bytes_));
    return result;
  }

 private:
  const void* pointer_;
  int32_t device_ = -1;
  int64_t bytes_ = -1;
};

// (device): its stream's address.
class Stream final : public Operation {
 public:
  explicit Stream(Arguments& args) : device_(args.Device()) {}
  rn_status Run(const rn_backend&) override { return Plugin().stream(device_, &stream_); }
  Napi::Value Result(Napi::Env env) override { return ToBigInt(env, stream_); }

 private:
  int32_t device_;
  void* stream_ = nullptr;
};

// (object, device): the address of an event after what has been queued so far, which lives as long as the object.
class Record final : public Operation {
 public:
  explicit Record(Arguments& args) : holder_(args.Object("holder")), device_(args.Device()) {}
  rn_status Run(const rn_backend&) override { return Plugin().record(device_, &event_); }
  Napi::Value Result(Napi::Env env) override {
    const int32_t device = device_;
    holder_.AddFinalizer([device](Napi::Env, void* event) { static_cast<void>(Plugin().release_event(device, event)); },
                         event_);
    return ToBigInt(env, event_);
  }

 private:
  Napi::Object holder_;
  int32_t device_;
  void* event_ = nullptr;
};

// (device, address, is it a stream's): what is queued from now on waits for an event, or for what a stream has to do.
class WaitFor final : public Operation {
 public:
  explicit WaitFor(Arguments& args)
      : device_(args.Device()), address_(args.Address("handle")), is_stream_(args.Boolean("isStream")) {}
  rn_status Run(const rn_backend&) override {
    return is_stream_ ? Plugin().wait_for_stream(device_, address_) : Plugin().wait_for_event(device_, address_);
  }

 private:
  int32_t device_;
  void* address_;
  bool is_stream_;
};

constexpr Binding kOperations[] = {
    {"DeviceWrap", Read<Wrap>, Binding::kOnDevice},       {"DeviceLocate", Read<Locate>, Binding::kOnDevice},
    {"DeviceStream", Read<Stream>, Binding::kOnDevice},   {"DeviceRecord", Read<Record>, Binding::kOnDevice},
    {"DeviceWaitFor", Read<WaitFor>, Binding::kOnDevice},
};

}  // namespace

void ExportDeviceInterop(Napi::Object exports) {
  for (const Binding& operation : kOperations) Export(exports, operation);
}

}  // namespace rn::addon
