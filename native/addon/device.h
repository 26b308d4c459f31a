// What the files about devices share.
#ifndef RETINANET_OPS_DEVICE_H
#define RETINANET_OPS_DEVICE_H

#include <napi.h>

#include "../backend/cuda_loader.h"

namespace rn::addon {

// Whoever asks has been told that CUDA is present.
inline const rn_cuda_plugin& Plugin() { return *Cuda().plugin; }

inline Napi::Value ToBigInt(Napi::Env env, const void* address) {
  return Napi::BigInt::New(env, static_cast<uint64_t>(reinterpret_cast<uintptr_t>(address)));
}

}  // namespace rn::addon

#endif
