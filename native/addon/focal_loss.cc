#include "operation.h"

namespace rn::addon {
namespace {

class FocalLoss final : public Operation {
 public:
  explicit FocalLoss(Arguments& args) {
    op_.rows = args.Count();
    op_.classes = args.Count();
    const int64_t elements = args.Product(op_.rows, op_.classes);
    op_.logits = args.Floats(elements).data;
    op_.labels = args.IntsOrNull(op_.rows).data;
    op_.targets = args.FloatsOrNull(elements).data;
    op_.anchor_weights = args.FloatsOrNull(op_.rows).data;
    op_.alpha = alpha_.Read(args, op_.classes, true);
    op_.gamma = gamma_.Read(args, op_.classes, false);
    op_.label_smoothing = args.Number();
    op_.normalizer = args.Number();
    op_.normalize_by_positives = args.Boolean();
    ReadLossOutputs(args, elements, op_);
    scalars_ = args.Doubles(2).data;
    op_.loss_sum = &loss_sum_;
    op_.num_positive = &num_positive_;
    if (elements > 0 && !op_.labels == !op_.targets) args.Fail("labels or targets");
  }

  rn_status Run(const rn_backend& backend) override { return backend.focal_loss(&op_); }

  Napi::Value Result(Napi::Env env) override {
    scalars_[0] = loss_sum_;
    scalars_[1] = num_positive_;
    return env.Undefined();
  }

 private:
  PerClassArgument alpha_, gamma_;
  rn_focal_loss op_{};
  double loss_sum_ = 0, num_positive_ = 0;
  double* scalars_;
};

}  // namespace

void ExportFocalLoss(Napi::Object exports) { Export<FocalLoss>(exports, "focalLoss"); }

}  // namespace rn::addon
