#include "../backend/regression.h"
#include "operation.h"

namespace rn::addon {
namespace {

class RegressionLoss final : public Operation {
 public:
  explicit RegressionLoss(Arguments& args) {
    op_.kind = args.Regression("kind");
    op_.rows = args.Count("rows");
    op_.columns = args.Count("columns");
    const int64_t elements = args.Product(op_.rows, op_.columns);
    op_.predictions = args.Array<float>("predictions", elements).data;
    op_.targets = args.Array<float>("targets", elements).data;
    op_.weights = args.ArrayOrNull<float>("weights", op_.rows).data;
    op_.beta = args.Number("beta");
    op_.normalizer = args.Number("normalizer");
    const int64_t width = RegressionWidth(op_.kind);
    if (op_.columns % width != 0) args.Fail("columns", "a multiple of the kind's width");
    ReadUpstreamAndLosses(args, elements / width, op_);
    op_.grad = args.ArrayOrNull<float>("grad", elements).data;
    numbers_.Read(args);
    op_.loss_sum = numbers_[0];
    op_.place = args.Place();
  }

  rn_status Run(const rn_backend& backend) override { return backend.regression_loss(&op_); }

  Napi::Value Result(Napi::Env env) override { return numbers_.ToJavaScript(env); }

 private:
  rn_regression_loss op_{};
  NumbersField<1> numbers_;
};

}  // namespace

RN_BIND(RegressionLoss)

}  // namespace rn::addon
