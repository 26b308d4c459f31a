#include "operation.h"

namespace rn::addon {
namespace {

class RetinanetLoss final : public Operation {
 public:
  explicit RetinanetLoss(Arguments& args) : anchors_(args), truth_(args) {
    op_.anchors = anchors_.anchors;
    op_.truth = truth_.truth;
    op_.match = ReadMatchFields(args);
    op_.coder_weights = ReadCoderWeights(args);
    op_.classes = args.Count("classes");
    const int64_t rows = args.Product(op_.truth.images, op_.anchors.count);
    const int64_t logits = args.Product(rows, op_.classes);
    const int64_t deltas = args.Product(rows, 4);
    op_.class_logits = args.Activations("classLogits", logits);
    op_.box_deltas = args.Activations("boxDeltas", deltas);
    op_.alpha = alpha_.Read(args, "alpha", op_.classes, true);
    op_.gamma = gamma_.Read(args, "gamma", op_.classes, false);
    op_.label_smoothing = args.Number("labelSmoothing");
    op_.regression = args.Regression("boxLoss");
    op_.beta = args.Number("beta");
    op_.box_weight = args.Number("boxWeight");
    op_.normalizer = args.Number("normalizer");
    op_.normalize_by_positives = args.Boolean("normalizeByPositives");
    op_.normalize_by_image = args.Boolean("normalizeByImage");
    bool is_float64 = false;
    op_.divisor = args.DeviceNumberOrNull("divisor", &is_float64);
    op_.divisor_is_float64 = is_float64;
    op_.loss_scale = args.Number("lossScale");
    op_.class_grad = args.Activations("classGrad", logits);
    op_.box_grad = args.Activations("boxGrad", deltas);
    numbers_.Read(args);
    op_.loss = numbers_[0];
    op_.class_loss = numbers_[1];
    op_.box_loss = numbers_[2];
    op_.num_positive = numbers_[3];
    op_.place = args.Place();
    op_.dtype = args.ActivationType();
  }

  rn_status Run(const rn_backend& backend) override { return backend.retinanet_loss(&op_); }

  Napi::Value Result(Napi::Env env) override { return numbers_.ToJavaScript(env); }

 private:
  AnchorFields anchors_;
  GroundTruthFields truth_;
  PerClassField alpha_, gamma_;
  rn_retinanet_loss op_{};
  NumbersField<4> numbers_;
};

}  // namespace

RN_BIND(RetinanetLoss)

}  // namespace rn::addon
