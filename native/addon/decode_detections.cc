#include "operation.h"

namespace rn::addon {
namespace {

class DecodeDetections final : public Operation {
 public:
  explicit DecodeDetections(Arguments& args) : anchors_(args) {
    op_.anchors = anchors_.anchors;
    op_.coder_weights = ReadCoderWeights(args);
    op_.images = args.Count("images");
    op_.classes = args.Count("classes");
    const int64_t rows = args.Product(op_.images, op_.anchors.count);
    op_.class_logits = args.Activations("classLogits", args.Product(rows, op_.classes));
    op_.box_deltas = args.Activations("boxDeltas", args.Product(rows, 4));
    const Slice<double> counts = args.HostArray<double>("levelCounts", 1);
    int64_t total = 0;
    for (int64_t l = 0; l < counts.length; ++l) {
      level_counts_.push_back(static_cast<int64_t>(counts.data[l]));
      if (level_counts_.back() < 0) args.Fail("level counts of at least 0");
      total += level_counts_.back();
    }
    if (total != op_.anchors.count) args.Fail("level counts that sum to the number of anchors");
    op_.level_counts = level_counts_.data();
    op_.num_levels = counts.length;
    op_.image_height = static_cast<float>(args.Number("imageHeight"));
    op_.image_width = static_cast<float>(args.Number("imageWidth"));
    op_.score_threshold = args.Number("scoreThreshold");
    op_.top_k = args.Count("topK");
    op_.iou_threshold = args.Number("iouThreshold");
    op_.class_agnostic = args.Boolean("classAgnostic");
    op_.max_detections = args.Count("maxDetections");
    const int64_t most = args.Product(op_.images, op_.max_detections);
    op_.boxes = args.Array<float>("boxes", args.Product(most, 4)).data;
    op_.scores = args.Array<float>("scores", most).data;
    op_.labels = args.Array<int32_t>("labels", most).data;
    op_.offsets = args.HostArray<int32_t>("offsets", op_.images + 1).data;
    op_.place = args.Place();
    op_.dtype = args.ActivationType();
  }
  rn_status Run(const rn_backend& backend) override { return backend.decode_detections(&op_); }

 private:
  AnchorFields anchors_;
  std::vector<int64_t> level_counts_;
  rn_decode op_{};
};

}  // namespace

RN_BIND(DecodeDetections)

}  // namespace rn::addon
