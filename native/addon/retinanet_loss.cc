#include "operation.h"

namespace rn::addon {
namespace {

class RetinanetLoss final : public Operation {
 public:
  explicit RetinanetLoss(Arguments& args) : anchors_(args), truth_(args) {
    op_.anchors = anchors_.anchors;
    op_.truth = truth_.truth;
    op_.match.positive_threshold = static_cast<float>(args.Number());
    op_.match.negative_threshold = static_cast<float>(args.Number());
    op_.match.allow_low_quality_matches = args.Boolean();
    op_.match.ignore_iof = static_cast<float>(args.Number());
    op_.classes = args.Count();
    const int64_t rows = args.Product(op_.truth.images, op_.anchors.count);
    const int64_t logits = args.Product(rows, op_.classes);
    const int64_t deltas = args.Product(rows, 4);
    op_.class_logits = args.Floats(logits).data;
    op_.box_deltas = args.Floats(deltas).data;
    op_.alpha = alpha_.Read(args, op_.classes, true);
    op_.gamma = gamma_.Read(args, op_.classes, false);
    op_.label_smoothing = args.Number();
    op_.beta = args.Number();
    op_.box_weight = args.Number();
    op_.normalizer = args.Number();
    op_.normalize_by_positives = args.Boolean();
    op_.class_grad = args.Floats(logits).data;
    op_.box_grad = args.Floats(deltas).data;
    scalars_ = args.Doubles(4).data;
    op_.loss = &loss_;
    op_.class_loss = &class_loss_;
    op_.box_loss = &box_loss_;
    op_.num_positive = &num_positive_;
  }

  rn_status Run(const rn_backend& backend) override { return backend.retinanet_loss(&op_); }

  Napi::Value Result(Napi::Env env) override {
    scalars_[0] = loss_;
    scalars_[1] = class_loss_;
    scalars_[2] = box_loss_;
    scalars_[3] = num_positive_;
    return env.Undefined();
  }

 private:
  AnchorsArgument anchors_;
  GroundTruthArgument truth_;
  PerClassArgument alpha_, gamma_;
  rn_retinanet_loss op_{};
  double loss_ = 0, class_loss_ = 0, box_loss_ = 0, num_positive_ = 0;
  double* scalars_;
};

}  // namespace

void ExportRetinanetLoss(Napi::Object exports) { Export<RetinanetLoss>(exports, "retinanetLoss"); }

}  // namespace rn::addon
