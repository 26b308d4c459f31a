// Memory that native code allocates for a call or for a device tensor.
#ifndef RETINANET_OPS_MEMORY_H
#define RETINANET_OPS_MEMORY_H

#include <napi.h>

#include <cstdint>
#include <memory>

#include "../backend/backend.h"

namespace rn::addon {

// In the host's memory or a device's, released with its last owner. What was queued on the device before is done first.
class Memory {
 public:
  static rn_status Allocate(const rn_place& place, int64_t bytes, std::shared_ptr<Memory>* out);
  // Somebody else's memory on a device. `released`, where there is one, is called with the last owner's end, which
  // comes on the thread of JavaScript.
  static std::shared_ptr<Memory> Wrap(int32_t device, void* data, const Napi::Function& released);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  template <class T>
  T* As() const {
    return static_cast<T*>(data_);
  }
  const rn_place& place() const { return place_; }

  // What lies in the host's memory; not to be used afterwards. Copied only where it is small or nothing is recycled.
  Napi::ArrayBuffer IntoArrayBuffer(Napi::Env env);

 private:
  Memory(const rn_place& place, void* data, int64_t bytes, bool is_recycled)
      : place_(place), data_(data), bytes_(bytes), is_recycled_(is_recycled) {}

  rn_place place_;
  void* data_;
  int64_t bytes_;
  bool is_recycled_;
  bool is_ours_ = true;
  Napi::FunctionReference released_;
};

// The first three are rn_dtype's.
enum class ElementType : int32_t {
  kFloat32 = RN_FLOAT32,
  kFloat16 = RN_FLOAT16,
  kBfloat16 = RN_BFLOAT16,
  kInt32,
  kFloat64,
};
// As lib/ names them.
constexpr const char* kElementNames[] = {"float32", "float16", "bfloat16", "int32", "float64"};

inline int64_t BytesOf(ElementType type) {
  switch (type) {
    case ElementType::kFloat16:
    case ElementType::kBfloat16:
      return 2;
    case ElementType::kFloat64:
      return 8;
    default:
      return 4;
  }
}

// What a JavaScript object, lib/'s DeviceTensor, is tied to.
struct DeviceBuffer {
  DeviceBuffer(ElementType element_type, int64_t elements, std::shared_ptr<Memory> of, int64_t offset_in_bytes);
  ~DeviceBuffer() { Dispose(); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  const ElementType type;
  const int64_t length;
  const int64_t offset;            // in bytes
  std::shared_ptr<Memory> memory;  // null once disposed

  void* data() const { return memory->As<char>() ? memory->As<char>() + offset : nullptr; }

  // Null for every object that was not tied here.
  static DeviceBuffer* Of(Napi::Env env, const Napi::Value& value);
  // The finalizer releases the memory where nobody has before. Throws where the object is tied already.
  static void Tie(const Napi::Object& object, ElementType type, int64_t length, std::shared_ptr<Memory> memory,
                  int64_t offset = 0);
  void Dispose();

  // How many of a device there are in the whole process, not disposed.
  static int64_t Count(int32_t device);
};

// Of a tensor, as an operation takes them to another thread; what it holds keeps the memory.
struct Elements {
  // Null where no call is read.
  explicit Elements(const DeviceBuffer* buffer) {
    if (!buffer) return;
    type = buffer->type;
    length = buffer->length;
    bytes = length * BytesOf(type);
    device = buffer->memory->place().device;
    data = buffer->data();
  }
  ElementType type = ElementType::kFloat32;
  int64_t length = 0, bytes = 0;
  int32_t device = 0;
  void* data = nullptr;
};

}  // namespace rn::addon

#endif
