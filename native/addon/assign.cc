#include <algorithm>

#include "../threads/thread_pool.h"
#include "operation.h"

namespace rn::addon {
namespace {

Napi::Int32Array NewInts(Napi::Env env, const std::vector<int32_t>& values) {
  Napi::Int32Array array = Napi::Int32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

// Memory as JavaScript gets it: a typed array, or an object tied to device memory that lib/ makes a tensor of.
template <class Array, class T>
Napi::Value ToJavaScript(Napi::Env env, const std::shared_ptr<Memory>& memory, int64_t length) {
  if (memory->place().memory == RN_DEVICE) {
    Napi::Object holder = Napi::Object::New(env);
    DeviceBuffer::Tie(holder, ArrayType<T>::kElement, length, memory);
    return holder;
  }
  return Array::New(env, static_cast<size_t>(length), memory->IntoArrayBuffer(env), 0);
}

// Labels and matches go to arrays that lib/ allocated; what has a size known only afterwards is made here.
class Assign final : public Operation {
 public:
  explicit Assign(Arguments& args) : anchors_(args), truth_(args) {
    op_.anchors = anchors_.anchors;
    op_.truth = truth_.truth;
    op_.options = ReadMatchFields(args);
    coder_weights_ = ReadCoderWeights(args);
    rows_ = args.Product(op_.anchors.count, op_.truth.images);
    op_.labels = args.Array<int32_t>("labels", rows_).data;
    op_.matches = args.Array<int32_t>("matches", rows_).data;
    op_.place = args.Place();
    counts_.resize(static_cast<size_t>(op_.truth.images));
    matched_.resize(static_cast<size_t>(truth_.offsets.back()));
    op_.positive_counts = counts_.data();
    op_.gt_matched = matched_.data();
    tiles_.resize(static_cast<size_t>(op_.truth.images * NumBlocks(op_.anchors.count, RN_TILE)));
    op_.tiles = tiles_.data();
  }

  rn_status Run(const rn_backend& backend) override {
    rn_status status = backend.assign(&op_);
    if (status.code != RN_OK) return status;

    for (const int64_t count : counts_) total_ += count;
    status = Allocate(total_, &positives_);
    if (status.code != RN_OK) return status;
    status = Allocate(4 * total_, &box_targets_);
    if (status.code != RN_OK) return status;
    rn_positive_targets targets{};
    targets.place = op_.place;
    targets.anchors = op_.anchors;
    targets.coder_weights = coder_weights_;
    targets.gt_memory = op_.truth.memory;
    targets.gt_boxes = op_.truth.boxes;
    targets.gt_count = static_cast<int64_t>(matched_.size());
    targets.matches = op_.matches;
    targets.tiles = op_.tiles;
    targets.images = op_.truth.images;
    targets.num_positive = total_;
    targets.positives = positives_->As<int32_t>();
    targets.box_targets = box_targets_->As<float>();
    return backend.positive_targets(&targets);
  }

  Napi::Value Result(Napi::Env env) override {
    std::vector<int32_t> offsets{0};
    for (const int64_t count : counts_) offsets.push_back(offsets.back() + static_cast<int32_t>(count));
    std::vector<int32_t> unmatched;
    for (size_t row = 0; row < matched_.size(); ++row) {
      if (!matched_[row]) unmatched.push_back(static_cast<int32_t>(row));
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("positives", ToJavaScript<Napi::Int32Array, int32_t>(env, positives_, total_));
    result.Set("positiveOffsets", NewInts(env, offsets));
    result.Set("boxTargets", ToJavaScript<Napi::Float32Array, float>(env, box_targets_, 4 * total_));
    result.Set("unmatchedGt", NewInts(env, unmatched));
    return result;
  }

 private:
  // Memory for `count` float32 or int32 where the call's arrays lie.
  rn_status Allocate(int64_t count, std::shared_ptr<Memory>* memory) const {
    return Memory::Allocate(op_.place, 4 * count, memory);
  }

  AnchorFields anchors_;
  GroundTruthFields truth_;
  rn_assign op_{};
  rn_coder_weights coder_weights_{};
  int64_t rows_, total_ = 0;
  std::vector<int64_t> counts_;
  std::vector<uint8_t> matched_, tiles_;
  std::shared_ptr<Memory> positives_, box_targets_;
};

}  // namespace

RN_BIND(Assign)

}  // namespace rn::addon
