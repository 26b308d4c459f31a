#include "../cpu/cpu_backend.h"
#include "operation.h"

namespace rn::addon {
namespace {

// The weights [first, end) of `length`.
template <class Parameters>
void ReadRange(Arguments& args, Parameters* op) {
  op->length = args.Count("length");
  op->first = args.Count("first");
  op->end = args.Count("end");
  if (!args.IsRecording() && (op->first > op->end || op->end > op->length)) args.Fail("a part of the weights");
}

class SumGradients final : public Operation {
 public:
  explicit SumGradients(Arguments& args) {
    ReadRange(args, &op_);
    op_.parts = args.Count("parts");
    op_.partials = args.HostArray<float>("partials", args.Product(op_.parts, op_.length)).data;
    op_.scale = static_cast<float>(args.Number("scale"));
    op_.gradient = args.HostArray<float>("gradient", op_.length).data;
    op_.squares = &squares_;
  }
  rn_status Run(const rn_backend&) override { return cpu::SumGradients(&op_); }
  Napi::Value Result(Napi::Env env) override { return Napi::Number::New(env, squares_); }

 private:
  rn_sum_gradients op_{};
  double squares_ = 0;
};

class Adam final : public Operation {
 public:
  explicit Adam(Arguments& args) {
    ReadRange(args, &op_);
    op_.gradient = args.HostArray<float>("gradient", op_.length).data;
    op_.weights = args.HostArray<float>("weights", op_.length).data;
    op_.first_moment = args.HostArray<float>("firstMoment", op_.length).data;
    op_.second_moment = args.HostArray<float>("secondMoment", op_.length).data;
    op_.average = args.HostArray<float>("average", op_.length).data;
    op_.rest1 = static_cast<float>(1 - args.Number("beta1"));
    op_.rest2 = static_cast<float>(1 - args.Number("beta2"));
    op_.learning_rate = static_cast<float>(args.Number("learningRate"));
    op_.second_correction = static_cast<float>(args.Number("secondCorrection"));
    op_.gradient_scale = static_cast<float>(args.Number("gradientScale"));
    op_.average_decay = static_cast<float>(args.Number("averageDecay"));
  }
  rn_status Run(const rn_backend&) override { return cpu::Adam(&op_); }

 private:
  rn_adam op_{};
};

}  // namespace

RN_BIND(SumGradients)
RN_BIND(Adam)

}  // namespace rn::addon
