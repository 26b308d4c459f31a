// What may be done while a stream is captured, and what then becomes of the capture.
#include <cstdio>
#include <functional>
#include <thread>

#include "../../../native/cuda/graphs.h"
#include "scenarios.h"

namespace scenarios {
namespace {

struct Setting {
  cudaStream_t stream, other;
  cudaEvent_t event, recorded;  // the second before the capture
  float* memory;
};

// Prints what `during` returned, and what the end of the capture.
cudaError_t During(cudaStream_t stream, const std::function<cudaError_t(const Setting&)>& during,
                   cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal) {
  Setting setting{stream, nullptr, nullptr, nullptr, Allocate(stream, 1)};
  cudaStreamCreateWithFlags(&setting.other, cudaStreamNonBlocking);
  for (cudaEvent_t* event : {&setting.event, &setting.recorded}) cudaEventCreateWithFlags(event, 0);
  cudaEventRecord(setting.recorded, setting.other);
  cudaStreamBeginCapture(stream, mode);
  cudaMemsetAsync(setting.memory, 0, sizeof(float), stream);
  const cudaError_t error = during(setting);
  cudaGraph_t graph = nullptr;
  const cudaError_t end = cudaStreamEndCapture(stream, &graph);
  std::printf("%s %s ", cudaGetErrorName(error), graph ? "graph" : "none");
  if (graph) cudaGraphDestroy(graph);
  return end;
}

template <class Call>
Scenario Forbidden(const char* name, Call call) {
  static const Call the_call = call;
  return Scenario(name, [](cudaStream_t stream) { return During(stream, the_call); });
}

void* pointer = nullptr;
size_t size = 0;
const Scenario all[] = {
    Forbidden("capture-nothing", [](const Setting&) { return cudaSuccess; }),
    Forbidden("capture-synchronize", [](const Setting& s) { return cudaStreamSynchronize(s.stream); }),
    Forbidden("capture-synchronize-other", [](const Setting& s) { return cudaStreamSynchronize(s.other); }),
    Forbidden("capture-synchronize-device", [](const Setting&) { return cudaDeviceSynchronize(); }),
    Forbidden("capture-malloc", [](const Setting&) { return cudaMalloc(&pointer, 4); }),
    Forbidden("capture-free", [](const Setting& s) { return cudaFree(s.memory); }),
    Forbidden("capture-pin", [](const Setting&) { return cudaHostAlloc(&pointer, 4, 0); }),
    Forbidden("capture-copy", [](const Setting& s) { return cudaMemcpy(&size, s.memory, 4, cudaMemcpyDeviceToHost); }),
    Forbidden("capture-memory-info", [](const Setting&) { return cudaMemGetInfo(&size, &size); }),
    Forbidden("capture-query", [](const Setting& s) { return cudaEventQuery(s.recorded); }),
    Forbidden("capture-record", [](const Setting& s) { return cudaEventRecord(s.event, s.stream); }),
    Forbidden("capture-query-captured",
              [](const Setting& s) {
                cudaEventRecord(s.event, s.stream);
                return cudaEventQuery(s.event);
              }),
    Forbidden("capture-synchronize-captured",
              [](const Setting& s) {
                cudaEventRecord(s.event, s.stream);
                return cudaEventSynchronize(s.event);
              }),
    Forbidden("capture-wait-outside", [](const Setting& s) { return cudaStreamWaitEvent(s.stream, s.recorded); }),
    Forbidden("capture-wait-inside",
              [](const Setting& s) {
                cudaEventRecord(s.event, s.stream);
                return cudaStreamWaitEvent(s.stream, s.event);
              }),
    Forbidden("capture-begin-again",
              [](const Setting& s) { return cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal); }),
    Forbidden("capture-legacy-stream",
              [](const Setting& s) {
                cudaStream_t blocking = nullptr;
                cudaGraph_t graph = nullptr;
                cudaStreamCreateWithFlags(&blocking, cudaStreamDefault);
                cudaStreamBeginCapture(blocking, cudaStreamCaptureModeThreadLocal);
                const cudaError_t error = cudaMemsetAsync(s.memory, 0, 4, nullptr);
                std::printf("%s ", cudaGetErrorName(cudaStreamEndCapture(blocking, &graph)));
                return error;
              }),
    Forbidden("capture-after-fault",
              [](const Setting& s) {
                cudaStreamSynchronize(s.stream);
                return cudaMemsetAsync(s.memory, 0, 4, s.stream);
              }),
    // Of another thread only a capture of the mode 'global' knows.
    Forbidden("capture-thread",
              [](const Setting&) {
                cudaError_t error = cudaSuccess;
                std::thread([&] { error = cudaHostAlloc(&pointer, 4, 0); }).join();
                return error;
              }),
    Forbidden("capture-relaxed-thread",
              [](const Setting&) {
                cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
                cudaThreadExchangeStreamCaptureMode(&mode);
                const cudaError_t error = cudaMalloc(&pointer, 4);
                cudaThreadExchangeStreamCaptureMode(&mode);
                return error;
              }),
};
const Scenario global("capture-global-thread", [](cudaStream_t stream) {
  return During(
      stream,
      [](const Setting&) {
        cudaError_t error = cudaSuccess;
        std::thread([&] { error = cudaHostAlloc(&pointer, 4, 0); }).join();
        return error;
      },
      cudaStreamCaptureModeGlobal);
});
const Scenario end_elsewhere("capture-end-elsewhere", [](cudaStream_t stream) {
  return During(stream, [](const Setting& s) {
    cudaError_t error = cudaSuccess;
    cudaGraph_t graph = nullptr;
    std::thread([&] { error = cudaStreamEndCapture(s.stream, &graph); }).join();
    return error;
  });
});

// native/cuda's graphs: prints how often the chain was queued by the host in five calls, and how often the device did
// its work.
cudaError_t FiveCalls(cudaStream_t stream, const std::function<void()>& besides) {
  rn::cuda::Device device;
  device.stream = stream;
  rn::cuda::Graphs graphs;
  float* const count = Allocate(stream, 1);
  cudaMemsetAsync(count, 0, sizeof *count, stream);
  int queued = 0;
  for (int call = 0; call < 5; ++call) {
    graphs.Run(device, rn::cuda::GraphKey(count), [&] {
      ++queued;
      cudaLaunchConfig_t config{};
      config.stream = stream;
      RN_CUDA(cudaLaunchKernelEx(&config, +[](float* of) { *of += 1; }, count));
      besides();
    });
  }
  graphs.Clear();
  const cudaError_t error = cudaStreamSynchronize(stream);
  std::printf("%d %g ", queued, static_cast<double>(*count));
  return error == cudaSuccess ? cudaGetLastError() : error;
}
const Scenario recorded("graphs-recorded", [](cudaStream_t stream) { return FiveCalls(stream, [] {}); });
const Scenario refused("graphs-refused", [](cudaStream_t stream) {
  return FiveCalls(stream, [=] { RN_CUDA(cudaStreamSynchronize(stream)); });
});
const Scenario refused_in_silence("graphs-refused-in-silence", [](cudaStream_t stream) {
  return FiveCalls(stream, [] { static_cast<void>(cudaMalloc(&pointer, 4)); });
});

// A graph repeats what was recorded.
const Scenario graph("graph", [](cudaStream_t stream) {
  float* const out = Allocate(stream, 1);
  cudaGraph_t recording = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
  cudaMemsetAsync(out, 0, sizeof(float), stream);
  cudaStreamEndCapture(stream, &recording);
  const cudaError_t error = cudaGraphInstantiate(&executable, recording);
  const bool before = *out == 0.0f;
  cudaGraphLaunch(executable, stream);
  cudaStreamSynchronize(stream);
  std::printf("%d %d ", before, *out == 0.0f);
  cudaGraphExecDestroy(executable);
  cudaGraphDestroy(recording);
  return error;
});

}  // namespace
}  // namespace scenarios
