// A stable sort on the device: by digits of eight bits, the lowest first.
#ifndef RETINANET_OPS_CUDA_SORT_H
#define RETINANET_OPS_CUDA_SORT_H

#include "launch.h"

namespace rn::cuda {

// Keys with a value each, and room of the same size that the sort needs.
class KeyedValues {
 public:
  KeyedValues(Device& device, int64_t count)
      : count_(count),
        keys_(device, count),
        spare_keys_(device, count),
        values_(device, count),
        spare_values_(device, count) {}

  int64_t count() const { return count_; }
  uint64_t* keys() const { return flipped_ ? spare_keys_.get() : keys_.get(); }
  int32_t* values() const { return flipped_ ? spare_values_.get() : values_.get(); }

  // Queues the sort by the lowest `bits` bits of the keys, ascending; pairs with equal bits stay in order. The results
  // are in keys() and values() as they are asked for afterwards.
  void Sort(Device& device, int bits);

 private:
  int64_t count_;
  Scratch<uint64_t> keys_, spare_keys_;
  Scratch<int32_t> values_, spare_values_;
  bool flipped_ = false;
};

}  // namespace rn::cuda

#endif
