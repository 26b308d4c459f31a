#include "operation.h"

namespace rn::addon {
namespace {

class DecodeDetections final : public Operation {
 public:
  explicit DecodeDetections(Arguments& args) : anchors_(args) {
    op_.anchors = anchors_.anchors;
    op_.images = args.Count();
    op_.classes = args.Count();
    const int64_t rows = args.Product(op_.images, op_.anchors.count);
    op_.class_logits = args.Activations(args.Product(rows, op_.classes));
    op_.box_deltas = args.Activations(args.Product(rows, 4));
    const Slice<double> counts = args.HostArray<double>(1);
    int64_t total = 0;
    for (int64_t l = 0; l < counts.length; ++l) {
      level_counts_.push_back(static_cast<int64_t>(counts.data[l]));
      if (level_counts_.back() < 0) args.Fail("level counts of at least 0");
      total += level_counts_.back();
    }
    if (total != op_.anchors.count) args.Fail("level counts that sum to the number of anchors");
    op_.level_counts = level_counts_.data();
    op_.num_levels = counts.length;
    op_.image_height = static_cast<float>(args.Number());
    op_.image_width = static_cast<float>(args.Number());
    op_.score_threshold = args.Number();
    op_.top_k = args.Count();
    op_.iou_threshold = args.Number();
    op_.class_agnostic = args.Boolean();
    op_.max_detections = args.Count();
    const int64_t most = args.Product(op_.images, op_.max_detections);
    op_.boxes = args.Array<float>(args.Product(most, 4)).data;
    op_.scores = args.Array<float>(most).data;
    op_.labels = args.Array<int32_t>(most).data;
    op_.offsets = args.HostArray<int32_t>(op_.images + 1).data;
    op_.place = args.Place();
    op_.dtype = args.ActivationType();
  }
  rn_status Run(const rn_backend& backend) override { return backend.decode_detections(&op_); }

 private:
  AnchorsArgument anchors_;
  std::vector<int64_t> level_counts_;
  rn_decode op_{};
};

}  // namespace

void ExportDecodeDetections(Napi::Object exports) { Export<DecodeDetections>(exports, "decodeDetections"); }

}  // namespace rn::addon
