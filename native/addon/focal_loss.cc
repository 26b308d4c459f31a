#include "operation.h"

namespace rn::addon {
namespace {

class FocalLoss final : public Operation {
 public:
  explicit FocalLoss(Arguments& args) {
    op_.rows = args.Count("rows");
    op_.classes = args.Count("classes");
    const int64_t elements = args.Product(op_.rows, op_.classes);
    op_.logits = args.Activations("logits", elements);
    op_.labels = args.ArrayOrNull<int32_t>("labels", op_.rows).data;
    op_.targets = args.ArrayOrNull<float>("targets", elements).data;
    if (elements > 0 && !op_.labels == !op_.targets) args.Fail("labels or targets");
    op_.anchor_weights = args.ArrayOrNull<float>("anchorWeights", op_.rows).data;
    op_.alpha = alpha_.Read(args, "alpha", op_.classes, true);
    op_.gamma = gamma_.Read(args, "gamma", op_.classes, false);
    op_.label_smoothing = args.Number("labelSmoothing");
    op_.normalizer = args.Number("normalizer");
    op_.normalize_by_positives = args.Boolean("normalizeByPositives");
    ReadUpstreamAndLosses(args, elements, op_);
    op_.grad = args.ActivationsOrNull("grad", elements);
    numbers_.Read(args);
    op_.loss_sum = numbers_[0];
    op_.num_positive = numbers_[1];
    op_.place = args.Place();
    op_.dtype = args.ActivationType();
  }

  rn_status Run(const rn_backend& backend) override { return backend.focal_loss(&op_); }

  Napi::Value Result(Napi::Env env) override { return numbers_.ToJavaScript(env); }

 private:
  PerClassField alpha_, gamma_;
  rn_focal_loss op_{};
  NumbersField<2> numbers_;
};

}  // namespace

RN_BIND(FocalLoss)

}  // namespace rn::addon
