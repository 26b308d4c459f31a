#include "arguments.h"

#include "../backend/cuda_loader.h"
#include "operation.h"

namespace rn::addon {

const float* Arguments::NumberAsArray() {
  const auto number = static_cast<float>(Number());
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

void Arguments::NumbersOnDevice(double** out, size_t count) {
  const Napi::Value value = Next();
  if (!value.IsArray()) Fail("a list of device tensors");
  const Napi::Object list = value.As<Napi::Object>();
  for (size_t i = 0; i < count; ++i) {
    out[i] = Use<double>(list.Get(static_cast<uint32_t>(i)), 1, call_).data;
  }
}

}  // namespace rn::addon
