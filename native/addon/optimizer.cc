#include "../cpu/cpu_backend.h"
#include "operation.h"

namespace rn::addon {
namespace {

class Adam final : public Operation {
 public:
  explicit Adam(Arguments& args) {
    op_.step = args.Number("step");
    op_.learning_rate = args.Number("learningRate");
    op_.beta1 = args.Number("beta1");
    op_.beta2 = args.Number("beta2");
    op_.epsilon = args.Number("epsilon");
    op_.gradient_scale = args.Number("gradientScale");
    op_.average_decay = args.Number("averageDecay");
    const Slice<float> weights = args.HostArray<float>("weights", 0);
    op_.weights = weights.data;
    op_.count = weights.length;
    op_.gradient = args.HostArray<float>("gradient", op_.count).data;
    op_.first_moment = args.HostArray<float>("firstMoment", op_.count).data;
    op_.second_moment = args.HostArray<float>("secondMoment", op_.count).data;
    op_.average = args.HostArray<float>("average", op_.count).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::Adam(&op_); }

 private:
  rn_adam op_{};
};

class ScaledSum final : public Operation {
 public:
  explicit ScaledSum(Arguments& args) {
    op_.scale = static_cast<float>(args.Number("scale"));
    const Slice<float> a = args.HostArray<float>("a", 0);
    op_.a = a.data;
    op_.count = a.length;
    op_.b = args.HostArrayOrNull<float>("b", op_.count).data;
    op_.output = args.HostArray<float>("output", op_.count).data;
    op_.squares = &squares_;
  }
  rn_status Run(const rn_backend&) override { return cpu::ScaledSum(&op_); }
  Napi::Value Result(Napi::Env env) override { return Napi::Number::New(env, squares_); }

 private:
  rn_scaled_sum op_{};
  double squares_ = 0;
};

}  // namespace

RN_BIND(Adam)
RN_BIND(ScaledSum)

}  // namespace rn::addon
