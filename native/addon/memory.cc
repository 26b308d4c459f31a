#include "memory.h"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <new>
#include <utility>

#include "../backend/cuda_loader.h"
#include "recycled_memory.h"

namespace rn::addon {
namespace {

// Marks our objects: what another addon has wrapped is never taken for ours.
constexpr napi_type_tag kTag = {0x7265746e616e6574, 0x6f70732d74656e73};

constexpr int32_t kMostDevices = 64;
std::atomic<int64_t> counts[kMostDevices];

std::atomic<int64_t>& CountOf(int32_t device) { return counts[device % kMostDevices]; }

void Check(Napi::Env env, napi_status status) {
  if (status != napi_ok) throw Napi::Error::New(env);
}

}  // namespace

rn_status Memory::Allocate(const rn_place& place, int64_t bytes, std::shared_ptr<Memory>* out) {
  void* data = nullptr;
  bool is_recycled = false;
  if (place.memory == RN_DEVICE) {
    const rn_status status = Cuda().plugin->allocate(place.device, bytes, &data);
    if (status.code != RN_OK) return status;
  } else {
    data = recycled::Take(static_cast<size_t>(bytes));
    is_recycled = data != nullptr;
    if (!data) data = ::operator new(static_cast<size_t>(bytes), std::nothrow);
    if (!data) {
      rn_status status{RN_OUT_OF_MEMORY, ""};
      std::snprintf(status.message, sizeof status.message, "could not allocate %lld bytes",
                    static_cast<long long>(bytes));
      return status;
    }
  }
  out->reset(new Memory(place, data, bytes, is_recycled));
  return {RN_OK, ""};
}

std::shared_ptr<Memory> Memory::Wrap(int32_t device, void* data, const Napi::Function& released) {
  std::shared_ptr<Memory> memory(new Memory({RN_DEVICE, device}, data, 0, false));
  memory->is_ours_ = false;
  if (!released.IsEmpty()) memory->released_ = Napi::Persistent(released);
  return memory;
}

Memory::~Memory() {
  if (!is_ours_) {
    if (released_.IsEmpty()) return;
    // Fails where JavaScript has ended.
    napi_env env = released_.Env();
    napi_handle_scope scope = nullptr;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return;
    napi_value function = nullptr, nothing = nullptr;
    if (napi_get_reference_value(env, released_, &function) == napi_ok &&
        napi_get_undefined(env, &nothing) == napi_ok) {
      static_cast<void>(napi_call_function(env, nothing, function, 0, nullptr, nullptr));
    }
    static_cast<void>(napi_close_handle_scope(env, scope));
  } else if (place_.memory == RN_DEVICE) {
    // A lost device has no memory to give back; whoever uses it next is told.
    static_cast<void>(Cuda().plugin->release(place_.device, data_, bytes_));
  } else if (is_recycled_) {
    recycled::Return(data_, static_cast<size_t>(bytes_));
  } else {
    ::operator delete(data_);
  }
}

Napi::ArrayBuffer Memory::IntoArrayBuffer(Napi::Env env) {
  const auto bytes = static_cast<size_t>(bytes_);
  if (is_recycled_) {
    is_recycled_ = false;
    return recycled::ToArrayBuffer(env, std::exchange(data_, nullptr), bytes).As<Napi::ArrayBuffer>();
  }
  Napi::ArrayBuffer copy = Napi::ArrayBuffer::New(env, bytes);
  if (bytes > 0) std::memcpy(copy.Data(), data_, bytes);
  return copy;
}

DeviceBuffer::DeviceBuffer(ElementType element_type, int64_t elements, std::shared_ptr<Memory> of,
                           int64_t offset_in_bytes)
    : type(element_type), length(elements), offset(offset_in_bytes), memory(std::move(of)) {
  ++CountOf(memory->place().device);
}

DeviceBuffer* DeviceBuffer::Of(Napi::Env env, const Napi::Value& value) {
  if (!value.IsObject()) return nullptr;
  bool ours = false;
  void* buffer = nullptr;
  if (napi_check_object_type_tag(env, value, &kTag, &ours) != napi_ok || !ours) return nullptr;
  return napi_unwrap(env, value, &buffer) == napi_ok ? static_cast<DeviceBuffer*>(buffer) : nullptr;
}

void DeviceBuffer::Tie(const Napi::Object& object, ElementType type, int64_t length, std::shared_ptr<Memory> memory,
                       int64_t offset) {
  const Napi::Env env = object.Env();
  Check(env, napi_type_tag_object(env, object, &kTag));
  auto buffer = std::make_unique<DeviceBuffer>(type, length, std::move(memory), offset);
  const napi_finalize finalize = [](napi_env, void* data, void*) { delete static_cast<DeviceBuffer*>(data); };
  Check(env, napi_wrap(env, object, buffer.get(), finalize, nullptr, nullptr));
  static_cast<void>(buffer.release());
}

void DeviceBuffer::Dispose() {
  if (!memory) return;
  --CountOf(memory->place().device);
  memory = nullptr;
}

int64_t DeviceBuffer::Count(int32_t device) { return CountOf(device); }

}  // namespace rn::addon
