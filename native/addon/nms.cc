#include <algorithm>

#include "operation.h"

namespace rn::addon {
namespace {

class Nms final : public Operation {
 public:
  explicit Nms(Arguments& args) {
    const Slice<float> boxes = args.Array<float>("boxes", 0);
    op_.boxes = boxes.data;
    op_.count = boxes.length / 4;
    op_.scores = args.Array<float>("scores", op_.count).data;
    op_.classes = args.ArrayOrNull<int32_t>("classes", op_.count).data;
    op_.iou_threshold = args.Number("iouThreshold");
    op_.max_output = args.Count("maxOutput");
    op_.keep = args.Array<int32_t>("keep", std::min(op_.count, op_.max_output)).data;
    op_.place = args.Place();
    op_.num_keep = &num_keep_;
  }
  rn_status Run(const rn_backend& backend) override { return backend.nms(&op_); }
  Napi::Value Result(Napi::Env env) override { return Napi::Number::New(env, static_cast<double>(num_keep_)); }

 private:
  rn_nms op_{};
  int64_t num_keep_ = 0;
};

}  // namespace

RN_BIND(Nms)

}  // namespace rn::addon
