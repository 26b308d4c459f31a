// Fields that several operations have in common.
#ifndef RETINANET_OPS_FIELD_GROUPS_H
#define RETINANET_OPS_FIELD_GROUPS_H

#include <cstdint>
#include <vector>

#include "arguments.h"

namespace rn::addon {

// Null (switched off, where that is allowed), a number for all classes, or a Float64Array [classes].
struct PerClassField {
  rn_per_class Read(Arguments& args, const char* name, int64_t classes, bool nullable) {
    const Slice<double> values = args.HostArrayOrNumber(name, classes, nullable, &number_);
    return {values.data, values.data == &number_ ? 1 : values.data ? classes : 0};
  }

 private:
  double number_ = 0;
};

// numbers, the last field: outputs of one number each. On the host null, and ToJavaScript() gives them as an array; in
// a call on a device a list of as many tensors of one float64, which the kernels write.
template <size_t count>
class NumbersField {
 public:
  void Read(Arguments& args) {
    for (size_t i = 0; i < count; ++i) pointers_[i] = &values_[i];
    on_device_ = args.NumbersOnDevice("numbers", pointers_, count);
  }
  double* operator[](size_t i) const { return pointers_[i]; }
  Napi::Value ToJavaScript(Napi::Env env) const {
    if (on_device_) return env.Undefined();
    Napi::Array array = Napi::Array::New(env, count);
    for (size_t i = 0; i < count; ++i) array[static_cast<uint32_t>(i)] = Napi::Number::New(env, values_[i]);
    return array;
  }

 private:
  double values_[count] = {};
  double* pointers_[count];
  bool on_device_ = false;
};

// A number of pixels that leaves room for sums of products of such numbers.
inline int64_t Pixels(Arguments& args, const char* name, int64_t least = 0) {
  const int64_t count = args.Count(name);
  if (!args.IsRecording() && (count < least || count > INT32_MAX)) args.Fail("a number of pixels");
  return count;
}

// images, height, width, channels, outHeight, outWidth: images [images, height, width, channels], at least so high and
// wide, and what becomes of their sides.
template <class Shape>
void ReadImages(Arguments& args, Shape& shape, int64_t least = 0) {
  shape.images = args.Count("images");
  shape.height = Pixels(args, "height", least);
  shape.width = Pixels(args, "width", least);
  shape.channels = args.Count("channels");
  shape.out_height = Pixels(args, "outHeight");
  shape.out_width = Pixels(args, "outWidth");
}
template <class Shape>
int64_t ImagesLength(const Arguments& args, const Shape& shape) {
  return args.Product(args.Product(shape.images, shape.height), args.Product(shape.width, shape.channels));
}

// gradOutput, losses: of a loss over `elements` elements.
template <class Op>
void ReadUpstreamAndLosses(Arguments& args, int64_t elements, Op& op) {
  const Slice<float> grad_output = args.ArrayOrNumber("gradOutput", elements);
  op.grad_output = grad_output.data;
  op.grad_output_count = grad_output.length;
  op.losses = args.ArrayOrNull<float>("losses", elements).data;
}

// anchorLevels, halfSizes, anchorBoxes: where the levels are null, boxes [A, 4]; otherwise levels [L, 5] of (height,
// width, vertical stride, horizontal stride, offset of centres) and half sizes [L, S, 2].
struct AnchorFields {
  std::vector<rn_grid_level> levels;
  rn_anchors anchors{};

  explicit AnchorFields(Arguments& args);
  AnchorFields(const AnchorFields&) = delete;
  AnchorFields& operator=(const AnchorFields&) = delete;
};

// gtBoxes, gtLabels, gtOffsets, ignoreBoxes, ignoreOffsets: in the host's memory or where the call's arrays lie;
// offsets in the host's. Those are copied: they decide which memory is read, and another thread may write to a
// SharedArrayBuffer.
struct GroundTruthFields {
  std::vector<int32_t> offsets, ignore_offsets;
  rn_ground_truth truth{};

  explicit GroundTruthFields(Arguments& args);
  GroundTruthFields(const GroundTruthFields&) = delete;
  GroundTruthFields& operator=(const GroundTruthFields&) = delete;
};

// coderWeights: a Float32Array [4] of the host.
rn_coder_weights ReadCoderWeights(Arguments& args);

// positiveThreshold, negativeThreshold, allowLowQuality, ignoreIof.
rn_match_options ReadMatchFields(Arguments& args);

}  // namespace rn::addon

#endif
