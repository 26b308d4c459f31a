// The candidates of decode_detections: of every level of every image the top_k best scores above the threshold, among
// the rows whose boxes are finite.
#ifndef RETINANET_OPS_CUDA_CANDIDATES_H
#define RETINANET_OPS_CUDA_CANDIDATES_H

#include "../backend/backend.h"
#include "../math/box_coder.h"
#include "anchors.h"
#include "arrays.h"
#include "sort.h"
#include "vector_access.h"

namespace rn::cuda {

// A network's, in device memory.
template <class T>
struct Outputs {
  const T* logits;  // [images, anchors, classes]
  const T* deltas;  // [images, anchors, 4]
  rn_coder_weights coder_weights;
};

template <class T>
__device__ Deltas DeltasOf(const Outputs<T>& outputs, const Anchors& anchors, int32_t image, int32_t anchor) {
  const T* d = outputs.deltas + 4 * (static_cast<int64_t>(image) * anchors.count + anchor);
  return {ToFloat(d[0]), ToFloat(d[1]), ToFloat(d[2]), ToFloat(d[3])};
}

struct Candidate {
  int64_t index;  // anchor * classes + class
  float score;
};

class Candidates {
 public:
  Candidates(Device& device, const rn_decode& op);

  // Queues their selection from outputs in device memory.
  template <class T>
  void Select(Device& device, Arrays& arrays, const rn_decode& op, const Anchors& anchors, const Outputs<T>& outputs);

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
