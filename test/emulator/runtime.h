// What the parts of the runtime share. A stream is a list of work that runs when somebody waits for it, so that what
// forgets to wait reads garbage here as it would on a GPU on a bad day.
#ifndef RETINANET_OPS_EMULATOR_RUNTIME_H
#define RETINANET_OPS_EMULATOR_RUNTIME_H

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "capture.h"
#include "cuda_runtime.h"

struct emulator_graph {
  std::vector<emulator::Work> work;
};

struct emulator_stream {
  int device;
  bool blocking;  // the legacy stream waits for it, and it for the legacy stream
  std::deque<emulator::Work> waiting;
  uint64_t queued = 0, done = 0;
  std::shared_ptr<emulator::Capture> capture;  // set: work goes there

  cudaError_t Add(emulator::Work work);
  // Runs what was queued before `ticket`.
  void RunTo(uint64_t ticket);
};

struct emulator_event {
  bool sleeps = false;  // who waits for it
  cudaStream_t stream = nullptr;
  uint64_t ticket = 0;
  std::shared_ptr<emulator::Capture> capture;  // set: recorded there, perhaps long ago
};

namespace emulator {

// The runtime is one thread's at a time.
extern std::recursive_mutex turn;
using Turn = std::lock_guard<std::recursive_mutex>;

extern cudaError_t sticky;  // once the device is lost
extern thread_local int current_device;
extern std::vector<cudaStream_t> streams;

cudaError_t Remember(cudaError_t error);  // for cudaGetLastError
bool FailsNow(const char* kind);          // counts down what RETINANET_OPS_EMULATOR_FAIL names
int DeviceCount();

// Waits for a stream's work.
cudaError_t Wait(cudaStream_t stream);
// An error for the legacy stream, which is not there.
cudaError_t CheckStream(cudaStream_t stream);

}  // namespace emulator

#endif
