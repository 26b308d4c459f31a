#include "capture.h"

#include <algorithm>
#include <cstdio>

#include "process.h"
#include "runtime.h"

namespace emulator {
namespace {

std::vector<std::shared_ptr<Capture>> captures;  // that have not ended
thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

// Whether the capture forbids this thread what is potentially unsafe.
bool Forbids(const Capture& capture) {
  const bool own = capture.thread == std::this_thread::get_id();
  if (thread_mode == cudaStreamCaptureModeRelaxed) return false;
  if (own) return capture.mode != cudaStreamCaptureModeRelaxed;
  return thread_mode == cudaStreamCaptureModeGlobal && capture.mode == cudaStreamCaptureModeGlobal;
}

template <class Condition>
cudaError_t InvalidateWhere(cudaError_t error, const Condition& condition) {
  cudaError_t result = cudaSuccess;
  for (const auto& capture : captures) {
    if (condition(*capture)) result = capture->Invalidate(error);
  }
  return result;
}

}  // namespace

cudaError_t Capture::Add(Work next) {
  if (invalid) return cudaErrorStreamCaptureInvalidated;
  work.push_back(std::move(next));
  return cudaSuccess;
}

cudaError_t Capture::Invalidate(cudaError_t error) {
  if (invalid) return cudaErrorStreamCaptureInvalidated;
  invalid = true;
  return error;
}

std::shared_ptr<Capture> TakeCapture(emulator_stream& stream) {
  std::shared_ptr<Capture> capture = std::move(stream.capture);
  stream.capture = nullptr;
  if (capture) {
    capture->ended = true;
    captures.erase(std::find(captures.begin(), captures.end(), capture));
  }
  return capture;
}

cudaError_t AllowUnsafe() { return InvalidateWhere(cudaErrorStreamCaptureUnsupported, Forbids); }

cudaError_t AllowWholeDevice(int device) {
  return InvalidateWhere(cudaErrorStreamCaptureUnsupported,
                         [&](const Capture& capture) { return capture.stream->device == device; });
}

cudaError_t AllowLegacyStream(int device) {
  return InvalidateWhere(cudaErrorStreamCaptureImplicit, [&](const Capture& capture) {
    return capture.stream->device == device && capture.stream->blocking;
  });
}

cudaError_t AllowWait(const emulator_event& event) {
  if (!event.capture) return AllowUnsafe();
  return event.capture->ended ? cudaErrorCapturedEvent : event.capture->Invalidate(cudaErrorCapturedEvent);
}

cudaError_t AllowWait(const emulator_stream& stream, const emulator_event& event) {
  if (stream.capture == event.capture) return cudaSuccess;
  if (!event.capture) return stream.capture->Invalidate(cudaErrorStreamCaptureIsolation);
  if (event.capture->ended) {
    return stream.capture ? stream.capture->Invalidate(cudaErrorStreamCaptureIsolation)
                          : cudaErrorStreamCaptureIsolation;
  }
  if (stream.capture) {
    event.capture->Invalidate(cudaErrorStreamCaptureMerge);
    return stream.capture->Invalidate(cudaErrorStreamCaptureMerge);
  }
  std::fprintf(stderr, "emulator: a second stream would join the capture, which CUDA can do and the emulator cannot\n");
  return event.capture->Invalidate(cudaErrorStreamCaptureUnsupported);
}

}  // namespace emulator

using namespace emulator;

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, thread_mode);
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const Turn lock(turn);
  if (!stream) return Remember(cudaErrorStreamCaptureUnsupported);
  if (stream->capture) return Remember(cudaErrorIllegalState);
  if (sticky != cudaSuccess) return Remember(sticky);
  stream->capture = std::make_shared<Capture>(Capture{stream, mode, std::this_thread::get_id(), false, false, {}});
  captures.push_back(stream->capture);
  Trace("capture");
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  const Turn lock(turn);
  *status = !stream->capture           ? cudaStreamCaptureStatusNone
            : stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Turn lock(turn);
  *graph = nullptr;
  if (!stream || !stream->capture) return Remember(cudaErrorIllegalState);
  if (stream->capture->mode != cudaStreamCaptureModeRelaxed && stream->capture->thread != std::this_thread::get_id()) {
    return Remember(stream->capture->Invalidate(cudaErrorStreamCaptureWrongThread));
  }
  const std::shared_ptr<Capture> capture = TakeCapture(*stream);
  if (capture->invalid) return Remember(cudaErrorStreamCaptureInvalidated);
  *graph = new emulator_graph{std::move(capture->work)};
  return Remember(sticky);
}
