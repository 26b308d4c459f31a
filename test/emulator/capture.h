// What a thread may do while streams are captured: the rules of the CUDA C++ Programming Guide ("Prohibited and
// Unhandled Operations") and of cudaThreadExchangeStreamCaptureMode. What breaks them fails, and with it the capture.
#ifndef RETINANET_OPS_EMULATOR_CAPTURE_H
#define RETINANET_OPS_EMULATOR_CAPTURE_H

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "cuda_runtime.h"

namespace emulator {

using Work = std::function<void()>;

struct Capture {
  cudaStream_t stream;
  cudaStreamCaptureMode mode;
  std::thread::id thread;  // that began it
  bool ended = false, invalid = false;
  std::vector<Work> work;

  cudaError_t Add(Work work);
  // Breaks it off. Returns `error`, or that it had been broken off before.
  cudaError_t Invalidate(cudaError_t error);
};

// The stream's capture has ended.
std::shared_ptr<Capture> TakeCapture(emulator_stream& stream);

// Before what CUDA calls potentially unsafe: what is not ordered by a stream, so that the graph would not repeat it.
cudaError_t AllowUnsafe();
// Before waiting for, or asking about, all of a device.
cudaError_t AllowWholeDevice(int device);
// Before use of the legacy stream, which waits for blocking streams.
cudaError_t AllowLegacyStream(int device);
// Before waiting for an event, or asking about it, on the host; and on a stream.
cudaError_t AllowWait(const emulator_event& event);
cudaError_t AllowWait(const emulator_stream& stream, const emulator_event& event);

}  // namespace emulator

#endif
