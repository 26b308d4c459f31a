#include <algorithm>

#include "graphs.h"

namespace rn::cuda {
namespace {

constexpr size_t kMostGraphs = 8;

// Null where the chain could not be recorded.
cudaGraphExec_t Record(Device& device, const std::function<void()>& queue) {
  const std::lock_guard<std::mutex> lock(device.recording);
  if (cudaStreamBeginCapture(device.stream, cudaStreamCaptureModeThreadLocal) != cudaSuccess) return nullptr;
  bool whole = true;
  try {
    queue();
  } catch (...) {
    whole = false;
  }
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  if (cudaStreamEndCapture(device.stream, &graph) != cudaSuccess) whole = false;
  if (whole && cudaGraphInstantiate(&executable, graph, 0) != cudaSuccess) executable = nullptr;
  if (graph) static_cast<void>(cudaGraphDestroy(graph));
  return executable;
}

}  // namespace

void Graphs::Run(Device& device, const GraphKey& key, const std::function<void()>& queue) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key.bytes; });
  if (found == entries_.end()) {
    entries_.push_front({key.bytes, State::kSeen, nullptr});
    if (entries_.size() > kMostGraphs) {
      Drop(entries_.back());
      entries_.pop_back();
    }
    return queue();
  }
  entries_.splice(entries_.begin(), entries_, found);
  Entry& entry = entries_.front();
  if (entry.state == State::kSeen) {
    entry.graph = Record(device, queue);
    entry.state = entry.graph ? State::kRecorded : State::kRefused;
    if (!entry.graph) static_cast<void>(cudaGetLastError());  // whatever is really wrong shows again
  }
  if (entry.state == State::kRefused) return queue();
  RN_CUDA(cudaGraphLaunch(entry.graph, device.stream));
}

// A graph that still runs is freed when it has ended.
void Graphs::Drop(const Entry& entry) {
  if (entry.graph) static_cast<void>(cudaGraphExecDestroy(entry.graph));
}

void Graphs::Clear() {
  for (const Entry& entry : entries_) Drop(entry);
  entries_.clear();
}

}  // namespace rn::cuda
