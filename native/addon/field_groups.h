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

// gradOutput, losses: of a loss over `elements` elements.
template <class Op>
void ReadUpstreamAndLosses(Arguments& args, int64_t elements, Op& op) {
  const Slice<float> grad_output = args.ArrayOrNumber("gradOutput", elements);
  op.grad_output = grad_output.data;
  op.grad_output_count = grad_output.length;
  op.losses = args.ArrayOrNull<float>("losses", elements).data;
}

// anchorLevels, halfSizes, anchorBoxes: where the levels are null, boxes [A, 4]; otherwise levels [L, 3] of (height,
// width, stride) and half sizes [L, S, 2].
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

// positiveThreshold, negativeThreshold, allowLowQuality, ignoreIof.
rn_match_options ReadMatchFields(Arguments& args);

}  // namespace rn::addon

#endif
