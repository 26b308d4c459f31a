// The candidates of decode_detections: of every level of every image the top_k best scores above the threshold.
#ifndef RETINANET_OPS_CUDA_CANDIDATES_H
#define RETINANET_OPS_CUDA_CANDIDATES_H

#include "../backend/backend.h"
#include "arrays.h"
#include "sort.h"

namespace rn::cuda {

struct Candidate {
  int64_t index;  // anchor * classes + class
  float score;
};

class Candidates {
 public:
  Candidates(Device& device, const rn_decode& op);

  // Queues their selection from logits in device memory.
  template <class T>
  void Select(Device& device, Arrays& arrays, const rn_decode& op, const T* logits);

  int32_t slots() const { return slots_; }                 // room of an image
  const int32_t* counts() const { return counts_.get(); }  // [images]
  const Candidate* candidates() const { return found_.get(); }
  const int32_t* order() const { return order_.values(); }  // [images, slots]: an image's candidates, best first

 private:
  int32_t slots_;
  KeyedValues order_;
  Scratch<Candidate> found_;
  Scratch<int32_t> counts_;
};

}  // namespace rn::cuda

#endif
