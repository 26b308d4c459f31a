// A stable sort on the device.
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
  void Sort(Device& device, int bits) { Sort(device, bits, count_, 0); }
  // The same for segments of `length` pairs, each sorted by itself. Its number is in the `segment_bits` bits of its
  // keys above the lowest `bits`.
  void Sort(Device& device, int bits, int64_t length, int segment_bits);

  // What a kernel of the sort reads and writes.
  struct Pairs {
    const uint64_t* keys;
    const int32_t* values;
    uint64_t* sorted_keys;
    int32_t* sorted_values;
  };

 private:
  Pairs Flip();

  int64_t count_;
  Scratch<uint64_t> keys_, spare_keys_;
  Scratch<int32_t> values_, spare_values_;
  bool flipped_ = false;
};

}  // namespace rn::cuda

#endif
