#include "operation.h"

namespace rn::addon {
namespace {

class SmoothL1 final : public Operation {
 public:
  explicit SmoothL1(Arguments& args) {
    op_.rows = args.Count();
    op_.columns = args.Count();
    const int64_t elements = args.Product(op_.rows, op_.columns);
    op_.predictions = args.Floats(elements).data;
    op_.targets = args.Floats(elements).data;
    op_.weights = args.FloatsOrNull(op_.rows).data;
    op_.beta = args.Number();
    op_.normalizer = args.Number();
    ReadLossOutputs(args, elements, op_);
    scalars_ = args.Doubles(1).data;
    op_.loss_sum = &loss_sum_;
  }

  rn_status Run(const rn_backend& backend) override { return backend.smooth_l1(&op_); }

  Napi::Value Result(Napi::Env env) override {
    scalars_[0] = loss_sum_;
    return env.Undefined();
  }

 private:
  rn_smooth_l1 op_{};
  double loss_sum_ = 0;
  double* scalars_;
};

}  // namespace

void ExportSmoothL1(Napi::Object exports) { Export<SmoothL1>(exports, "smoothL1"); }

}  // namespace rn::addon
