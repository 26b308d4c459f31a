#include <cstring>

#include "loss_inputs.h"

namespace rn::cuda {
namespace {

// Room for ground truth grows in powers of two, so that kernels find it in the same place from step to step.
int64_t Room(int64_t rows) {
  int64_t room = 64;
  while (room < rows) room *= 2;
  return room;
}

template <class T>
void Fill(T* to, const T* from, int64_t count) {
  if (count > 0) std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
}

template <class T>
void CopyOnDevice(const Device& device, T* to, const T* from, int64_t count) {
  if (count == 0) return;
  RN_CUDA(cudaMemcpyAsync(to, from, static_cast<size_t>(count) * sizeof(T), cudaMemcpyDeviceToDevice, device.stream));
}

}  // namespace

LossInputs::LossInputs(Arena& arena, const rn_retinanet_loss& op, int64_t lattice_count) {
  const rn_ground_truth& truth = op.truth;
  const int64_t start = arena.used;
  loss_scale = arena.Take<float>(1);
  lattices = arena.Take<Lattice>(lattice_count);
  offsets = arena.Take<int32_t>(truth.images + 1);
  ignore_offsets = truth.ignore_offsets ? arena.Take<int32_t>(truth.images + 1) : nullptr;
  host_bytes = arena.used - start;
  room = Room(truth.offsets[truth.images]);
  ignore_room = truth.ignore_offsets ? Room(truth.ignore_offsets[truth.images]) : 0;
  boxes = arena.Take<float>(4 * room);
  labels = arena.Take<int32_t>(room);
  ignore_boxes = arena.Take<float>(4 * ignore_room);
  bytes = arena.used - start;
}

void LossInputs::Queue(Device& device, const rn_retinanet_loss& op, const std::vector<Lattice>& lattices_of_op) const {
  const rn_ground_truth& truth = op.truth;
  const int64_t count = static_cast<int64_t>(lattices_of_op.size()), rows = truth.offsets[truth.images];
  const int64_t ignore_rows = truth.ignore_offsets ? truth.ignore_offsets[truth.images] : 0;
  std::vector<char> memory(static_cast<size_t>(bytes));
  Arena arena(memory.data());
  const LossInputs host(arena, op, count);
  *host.loss_scale = static_cast<float>(op.loss_scale);
  Fill(host.lattices, lattices_of_op.data(), count);
  Fill(host.offsets, truth.offsets, truth.images + 1);
  if (truth.ignore_offsets) Fill(host.ignore_offsets, truth.ignore_offsets, truth.images + 1);
  if (truth.memory == RN_HOST) {
    Fill(host.boxes, truth.boxes, 4 * rows);
    Fill(host.labels, truth.labels, rows);
    Fill(host.ignore_boxes, truth.ignore_boxes, 4 * ignore_rows);
    return Upload(device, loss_scale, memory.data(), bytes);
  }
  Upload(device, loss_scale, memory.data(), host_bytes);
  CopyOnDevice(device, boxes, truth.boxes, 4 * rows);
  CopyOnDevice(device, labels, truth.labels, rows);
  CopyOnDevice(device, ignore_boxes, truth.ignore_boxes, 4 * ignore_rows);
}

}  // namespace rn::cuda
