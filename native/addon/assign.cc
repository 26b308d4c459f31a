#include <algorithm>

#include "operation.h"

namespace rn::addon {
namespace {

Napi::Int32Array NewInts(Napi::Env env, const std::vector<int32_t>& values) {
  Napi::Int32Array array = Napi::Int32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

// Labels and matches go to arrays that lib/ allocated; what has a size known only afterwards is made here.
class Assign final : public Operation {
 public:
  explicit Assign(Arguments& args) : anchors_(args), truth_(args) {
    op_.anchors = anchors_.anchors;
    op_.truth = truth_.truth;
    op_.options.positive_threshold = static_cast<float>(args.Number());
    op_.options.negative_threshold = static_cast<float>(args.Number());
    op_.options.allow_low_quality_matches = args.Boolean();
    op_.options.ignore_iof = static_cast<float>(args.Number());
    const int64_t rows = args.Product(op_.anchors.count, op_.truth.images);
    op_.labels = args.Ints(rows).data;
    out_matches_ = args.Ints(rows).data;
    rows_ = rows;
    matches_.reset(new int32_t[static_cast<size_t>(rows)]);  // not a vector, which would write zeros first
    op_.matches = matches_.get();
    counts_.resize(static_cast<size_t>(op_.truth.images));
    matched_.resize(static_cast<size_t>(truth_.offsets.back()));
    op_.positive_counts = counts_.data();
    op_.gt_matched = matched_.data();
  }

  rn_status Run(const rn_backend& backend) override {
    const rn_status status = backend.assign(&op_);
    if (status.code != RN_OK) return status;
    std::copy_n(matches_.get(), rows_, out_matches_);
    int64_t total = 0;
    for (const int64_t count : counts_) total += count;
    try {
      positives_.resize(static_cast<size_t>(total));
      box_targets_.resize(static_cast<size_t>(4 * total));
    } catch (const std::bad_alloc&) {
      return {RN_OUT_OF_MEMORY, "could not allocate the targets of the positive anchors"};
    }
    rn_positive_targets targets{};
    targets.anchors = op_.anchors;
    targets.gt_boxes = op_.truth.boxes;
    targets.matches = op_.matches;
    targets.images = op_.truth.images;
    targets.positives = positives_.data();
    targets.box_targets = box_targets_.data();
    return backend.positive_targets(&targets);
  }

  Napi::Value Result(Napi::Env env) override {
    Napi::Float32Array box_targets = Napi::Float32Array::New(env, box_targets_.size());
    std::copy(box_targets_.begin(), box_targets_.end(), box_targets.Data());
    std::vector<int32_t> offsets{0};
    for (const int64_t count : counts_) offsets.push_back(offsets.back() + static_cast<int32_t>(count));
    std::vector<int32_t> unmatched;
    for (size_t row = 0; row < matched_.size(); ++row) {
      if (!matched_[row]) unmatched.push_back(static_cast<int32_t>(row));
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("positives", NewInts(env, positives_));
    result.Set("positiveOffsets", NewInts(env, offsets));
    result.Set("boxTargets", box_targets);
    result.Set("unmatchedGt", NewInts(env, unmatched));
    return result;
  }

 private:
  AnchorsArgument anchors_;
  GroundTruthArgument truth_;
  rn_assign op_{};
  // The kernels use matches as indices: never from memory that JavaScript may write to meanwhile.
  std::unique_ptr<int32_t[]> matches_;
  int64_t rows_;
  int32_t* out_matches_;
  std::vector<int64_t> counts_;
  std::vector<uint8_t> matched_;
  std::vector<int32_t> positives_;
  std::vector<float> box_targets_;
};

}  // namespace

void ExportAssign(Napi::Object exports) { Export<Assign>(exports, "assign"); }

}  // namespace rn::addon
