#include "../cpu/cpu_backend.h"
#include "operation.h"

namespace rn::addon {
namespace {

class ChangeImage final : public Operation {
 public:
  explicit ChangeImage(Arguments& args) {
    op_.height = args.Count("height");
    op_.width = args.Count("width");
    const int64_t values = args.Product(args.Product(op_.height, op_.width), 3);
    op_.image = args.HostArray<uint8_t>("image", values).data;
    op_.scale_x = args.Number("scaleX");
    op_.scale_y = args.Number("scaleY");
    op_.shift_x = args.Number("shiftX");
    op_.shift_y = args.Number("shiftY");
    const char* const names[] = {"red", "green", "blue"};
    for (size_t k = 0; k < 3; ++k) op_.gain[k] = static_cast<float>(args.Number(names[k]));
    op_.offset = static_cast<float>(args.Number("offset"));
    op_.output = args.HostArray<float>("output", values).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::ChangeImage(&op_); }

 private:
  rn_change_image op_{};
};

}  // namespace

RN_BIND(ChangeImage)

}  // namespace rn::addon
