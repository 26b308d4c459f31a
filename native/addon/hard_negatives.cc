#include "operation.h"

namespace rn::addon {
namespace {

class SelectHardNegatives final : public Operation {
 public:
  explicit SelectHardNegatives(Arguments& args) {
    op_.rows = args.Count("rows");
    op_.columns = args.Count("columns");
    op_.losses = args.Array<float>("losses", args.Product(op_.rows, op_.columns)).data;
    op_.labels = args.Array<int32_t>("labels", op_.rows).data;
    op_.ratio = args.Number("ratio");
    op_.min_negatives = args.Count("minNegatives");
    op_.keep = args.Array<int32_t>("keep", op_.rows).data;
    op_.place = args.Place();
    op_.num_keep = &num_keep_;
  }
  rn_status Run(const rn_backend& backend) override { return backend.select_hard_negatives(&op_); }
  Napi::Value Result(Napi::Env env) override { return Napi::Number::New(env, static_cast<double>(num_keep_)); }

 private:
  rn_hard_negatives op_{};
  int64_t num_keep_ = 0;
};

}  // namespace

RN_BIND(SelectHardNegatives)

}  // namespace rn::addon
