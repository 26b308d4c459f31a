// Streams, events, launches and graphs. There is no legacy stream: what is called with a null stream says so.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "process.h"

cudaError_t emulator_stream::Add(emulator::Work work) {
  if (capture) return capture->Add(std::move(work));
  waiting.push_back(std::move(work));
  ++queued;
  return cudaSuccess;
}

void emulator_stream::RunTo(uint64_t ticket) {
  while (done < ticket && !waiting.empty()) {
    const emulator::Work work = std::move(waiting.front());
    waiting.pop_front();
    ++done;
    work();
  }
}

namespace emulator {

std::vector<cudaStream_t> streams;

cudaError_t CheckStream(cudaStream_t stream) {
  if (stream) return cudaSuccess;
  if (const cudaError_t error = AllowLegacyStream(current_device)) return error;
  std::fprintf(stderr, "emulator: there is no legacy stream\n");
  return cudaErrorInvalidResourceHandle;
}

cudaError_t Enqueue(const cudaLaunchConfig_t& config, const std::function<void()>& thread) {
  const Turn lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  if (const cudaError_t error = CheckStream(config.stream)) return Remember(error);
  const dim3 grid = config.gridDim, block = config.blockDim;
  if (grid.x == 0 || grid.x > 0x7fffffffu || grid.y != 1 || grid.z != 1 || block.x == 0 || block.x > 1024 ||
      block.y != 1 || block.z != 1) {
    return Remember(cudaErrorInvalidConfiguration);
  }
  if (FailsNow("launch")) return Remember(cudaErrorLaunchOutOfResources);
  const bool lost = FailsNow("lost");
  return Remember(config.stream->Add([=] {
    if (sticky != cudaSuccess) return;
    Trace("launch");
    const std::string fault = lost ? "the device was lost" : RunGrid(grid, block, thread);
    if (fault.empty()) return;
    std::fprintf(stderr, "emulator: %s\n", fault.c_str());
    sticky = cudaErrorLaunchFailure;
  }));
}

cudaError_t Wait(cudaStream_t stream) {
  if (const cudaError_t error = CheckStream(stream)) return Remember(error);
  if (stream->capture) return Remember(stream->capture->Invalidate(cudaErrorStreamCaptureUnsupported));
  if (stream->done < stream->queued) Trace("a wait that does not sleep");
  stream->RunTo(stream->queued);
  AfterWait();
  return Remember(sticky);
}

}  // namespace emulator

using namespace emulator;

cudaError_t cudaDeviceSynchronize() {
  const Turn lock(turn);
  if (const cudaError_t error = AllowWholeDevice(current_device)) return Remember(error);
  for (cudaStream_t stream : streams) {
    if (stream->device == current_device) stream->RunTo(stream->queued);
  }
  return Remember(sticky);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const Turn lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  *stream = new emulator_stream{current_device, (flags & cudaStreamNonBlocking) == 0, {}, 0, 0, nullptr};
  streams.push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* device) {
  *device = stream->device;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Turn lock(turn);
  TakeCapture(*stream);
  stream->RunTo(stream->queued);
  streams.erase(std::find(streams.begin(), streams.end(), stream));
  delete stream;
  return sticky;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Turn lock(turn);
  return Wait(stream);
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  NeedContext();
  *event = new emulator_event{(flags & cudaEventBlockingSync) != 0, nullptr, 0, nullptr};
  return sticky;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return sticky;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Turn lock(turn);
  if (const cudaError_t error = CheckStream(stream)) return Remember(error);
  *event = {event->sleeps, stream, stream->queued, stream->capture};
  return Remember(stream->capture && stream->capture->invalid ? cudaErrorStreamCaptureInvalidated : sticky);
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Turn lock(turn);
  if (const cudaError_t error = CheckStream(stream)) return Remember(error);
  const emulator_event recorded = *event;  // as it is now: a later record does not count
  if (!recorded.stream) return Remember(sticky);
  if (const cudaError_t error = AllowWait(*stream, recorded)) return Remember(error);
  if (!stream->capture && recorded.stream != stream) {
    stream->Add([recorded] { recorded.stream->RunTo(recorded.ticket); });
  }
  return Remember(sticky);
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Turn lock(turn);
  if (const cudaError_t error = AllowWait(*event)) return Remember(error);
  if (event->stream) {
    if (event->stream->done < event->ticket) Trace(event->sleeps ? "a wait that sleeps" : "a wait that does not sleep");
    event->stream->RunTo(event->ticket);
  }
  AfterWait();
  return Remember(sticky);
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Turn lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  if (const cudaError_t error = AllowWait(*event)) return Remember(error);
  if (!event->stream || event->stream->done >= event->ticket) return cudaSuccess;
  const char* const at_once = std::getenv("RETINANET_OPS_EMULATOR_AT_ONCE");
  if (!at_once || !*at_once) return Remember(cudaErrorNotReady);
  event->stream->RunTo(event->ticket);
  return Remember(sticky);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new emulator_graph(*graph);
  return Remember(sticky);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Turn lock(turn);
  if (sticky != cudaSuccess) return Remember(sticky);
  if (const cudaError_t error = CheckStream(stream)) return Remember(error);
  if (FailsNow("launch")) return Remember(cudaErrorLaunchOutOfResources);
  Trace("replay");
  cudaError_t error = cudaSuccess;
  for (const Work& work : executable->work) error = stream->Add(work);
  return Remember(error);
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return sticky;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return sticky;
}
