#include "operation.h"

namespace rn::addon {
namespace {

class SmoothL1 final : public Operation {
 public:
  explicit SmoothL1(Arguments& args) {
    op_.rows = args.Count("rows");
    op_.columns = args.Count("columns");
    const int64_t elements = args.Product(op_.rows, op_.columns);
    op_.predictions = args.Array<float>("predictions", elements).data;
    op_.targets = args.Array<float>("targets", elements).data;
    op_.weights = args.ArrayOrNull<float>("weights", op_.rows).data;
    op_.beta = args.Number("beta");
    op_.normalizer = args.Number("normalizer");
    ReadUpstreamAndLosses(args, elements, op_);
    op_.grad = args.ArrayOrNull<float>("grad", elements).data;
    numbers_.Read(args);
    op_.loss_sum = numbers_[0];
    op_.place = args.Place();
  }

  rn_status Run(const rn_backend& backend) override { return backend.smooth_l1(&op_); }

  Napi::Value Result(Napi::Env env) override { return numbers_.ToJavaScript(env); }

 private:
  rn_smooth_l1 op_{};
  NumbersField<1> numbers_;
};

}  // namespace

RN_BIND(SmoothL1)

}  // namespace rn::addon
