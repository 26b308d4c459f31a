// What comes anew with every call of the RetinaNet loss, at addresses that stay: the chain that reads it may be a
// recorded graph. Ground truth is copied wherever it lies, so the caller may write to it at once.
#ifndef RETINANET_OPS_CUDA_LOSS_INPUTS_H
#define RETINANET_OPS_CUDA_LOSS_INPUTS_H

#include "assign.h"

namespace rn::cuda {

// Hands out one allocation in parts; without an allocation it only counts.
class Arena {
 public:
  explicit Arena(char* base = nullptr) : base_(base) {}
  template <class T>
  T* Take(int64_t count) {
    T* part = base_ ? reinterpret_cast<T*>(base_ + used) : nullptr;
    used += DivideUp(count * static_cast<int64_t>(sizeof(T)), kAlignment) * kAlignment;
    return part;
  }
  int64_t used = 0;

 private:
  static constexpr int64_t kAlignment = 256;
  char* base_;
};

// First what always lies in host memory, then the ground truth, which may.
struct LossInputs {
  LossInputs(Arena& arena, const rn_retinanet_loss& op, int64_t lattice_count);
  void Queue(Device& device, const rn_retinanet_loss& op, const std::vector<Lattice>& lattices_of_op) const;

  float* loss_scale;
  Lattice* lattices;
  int32_t *offsets, *ignore_offsets;  // the latter null where there are none
  float* boxes;
  int32_t* labels;
  float* ignore_boxes;
  int64_t room, ignore_room;  // rows that there is room for
  int64_t host_bytes, bytes;
};

}  // namespace rn::cuda

#endif
