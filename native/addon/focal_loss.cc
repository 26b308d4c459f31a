#include "operation.h"

namespace rn::addon {
namespace {

rn_per_class PerClass(Arguments& args, const Slice<double>& slice, int64_t classes) {
  if (slice.data && slice.length != 1 && slice.length != classes) args.Fail("one value, or one a class");
  return {slice.data, slice.length};
}

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
    op_.alpha = PerClass(args, args.DoublesOrNull(1), op_.classes);
    op_.gamma = PerClass(args, args.Doubles(1), op_.classes);
    op_.label_smoothing = args.Number();
    op_.normalizer = args.Number();
    op_.normalize_by_positives = args.Boolean();
    const Slice<float> grad_output = args.FloatsOrNull(1);
    op_.grad_output = grad_output.data;
    op_.grad_output_count = grad_output.length;
    if (grad_output.length > 1 && grad_output.length < elements) args.Fail("one gradOutput, or one an element");
    op_.losses = args.FloatsOrNull(elements).data;
    op_.grad = args.FloatsOrNull(elements).data;
    scalars_ = args.Doubles(2).data;
    op_.loss_sum = &loss_sum_;
    op_.num_positive = &num_positive_;
    if (elements > 0 && !op_.labels == !op_.targets) args.Fail("labels or targets");
  }

  rn_status Run(const rn_backend& backend) override { return backend.focal_loss(&op_); }

  Napi::Value Result(Napi::Env env) override {
    scalars_[0] = loss_sum_;
    scalars_[1] = static_cast<double>(num_positive_);
    return env.Undefined();
  }

 private:
  rn_focal_loss op_{};
  double loss_sum_ = 0;
  int64_t num_positive_ = 0;
  double* scalars_;
};

}  // namespace

void ExportFocalLoss(Napi::Object exports) { Export<FocalLoss>(exports, "focalLoss"); }

}  // namespace rn::addon
