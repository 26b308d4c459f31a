#include "../cpu/cpu_backend.h"
#include "operation.h"

namespace rn::addon {
namespace {

int64_t InputLength(const Arguments& args, const rn_convolution_shape& shape) {
  return args.Product(args.Product(shape.images, shape.height), args.Product(shape.width, shape.channels));
}
int64_t FilterLength(const Arguments& args, const rn_convolution_shape& shape) {
  return args.Product(args.Product(shape.filter_height, shape.filter_width),
                      args.Product(shape.channels, shape.filters));
}
int64_t OutputLength(const Arguments& args, const rn_convolution_shape& shape) {
  return args.Product(args.Product(shape.images, shape.out_height), args.Product(shape.out_width, shape.filters));
}

// A number of pixels that leaves room for sums of products of such numbers.
int64_t Pixels(Arguments& args, const char* name, int64_t least = 0) {
  const int64_t count = args.Count(name);
  if (!args.IsRecording() && (count < least || count > INT32_MAX)) args.Fail("a number of pixels");
  return count;
}

rn_convolution_shape ReadShape(Arguments& args) {
  rn_convolution_shape shape{};
  shape.images = args.Count("images");
  shape.height = Pixels(args, "height");
  shape.width = Pixels(args, "width");
  shape.channels = args.Count("channels");
  shape.filter_height = Pixels(args, "filterHeight", 1);
  shape.filter_width = Pixels(args, "filterWidth", 1);
  shape.filters = args.Count("filters");
  shape.out_height = Pixels(args, "outHeight");
  shape.out_width = Pixels(args, "outWidth");
  shape.stride_height = Pixels(args, "strideHeight", 1);
  shape.stride_width = Pixels(args, "strideWidth", 1);
  shape.dilation_height = Pixels(args, "dilationHeight", 1);
  shape.dilation_width = Pixels(args, "dilationWidth", 1);
  shape.pad_top = Pixels(args, "padTop");
  shape.pad_left = Pixels(args, "padLeft");
  // What scratch memory may have to hold.
  const int64_t read = shape.width + shape.out_width * shape.stride_width;
  args.Product(args.Product(2, shape.height), args.Product(shape.channels, read));
  return shape;
}

class Convolution final : public Operation {
 public:
  explicit Convolution(Arguments& args) {
    op_.shape = ReadShape(args);
    op_.input = args.HostArray<float>("input", InputLength(args, op_.shape)).data;
    op_.filter = args.HostArray<float>("filter", FilterLength(args, op_.shape)).data;
    op_.bias = args.HostArrayOrNull<float>("bias", op_.shape.filters).data;
    op_.clamped = args.Boolean("clamped");
    op_.low = static_cast<float>(args.Number("low"));
    op_.high = static_cast<float>(args.Number("high"));
    op_.output = args.HostArray<float>("output", OutputLength(args, op_.shape)).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::Convolution(&op_); }

 private:
  rn_convolution op_{};
};

class ConvolutionInputGrad final : public Operation {
 public:
  explicit ConvolutionInputGrad(Arguments& args) {
    op_.shape = ReadShape(args);
    op_.output_grad = args.HostArray<float>("outputGrad", OutputLength(args, op_.shape)).data;
    op_.filter = args.HostArray<float>("filter", FilterLength(args, op_.shape)).data;
    op_.input_grad = args.HostArray<float>("inputGrad", InputLength(args, op_.shape)).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::ConvolutionInputGrad(&op_); }

 private:
  rn_convolution_input_grad op_{};
};

class ConvolutionFilterGrad final : public Operation {
 public:
  explicit ConvolutionFilterGrad(Arguments& args) {
    op_.shape = ReadShape(args);
    op_.input = args.HostArray<float>("input", InputLength(args, op_.shape)).data;
    op_.output_grad = args.HostArray<float>("outputGrad", OutputLength(args, op_.shape)).data;
    op_.filter_grad = args.HostArray<float>("filterGrad", FilterLength(args, op_.shape)).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::ConvolutionFilterGrad(&op_); }

 private:
  rn_convolution_filter_grad op_{};
};

}  // namespace

RN_BIND(Convolution)
RN_BIND(ConvolutionInputGrad)
RN_BIND(ConvolutionFilterGrad)

}  // namespace rn::addon
