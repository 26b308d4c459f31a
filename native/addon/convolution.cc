#include "../cpu/cpu_backend.h"
#include "field_groups.h"
#include "operation.h"

namespace rn::addon {
namespace {

rn_convolution_shape ReadShape(Arguments& args) {
  rn_convolution_shape shape{};
  ReadImages(args, shape);
  shape.filter_height = Pixels(args, "filterHeight", 1);
  shape.filter_width = Pixels(args, "filterWidth", 1);
  shape.filters = args.Count("filters");
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

// The lengths that the shape gives the arrays of a convolution, or of a depthwise one.
struct Lengths {
  Lengths(const Arguments& args, const rn_convolution_shape& shape, bool is_depthwise)
      : input(ImagesLength(args, shape)),
        filter(args.Product(args.Product(shape.filter_height, shape.filter_width),
                            args.Product(shape.channels, shape.filters))),
        bias(is_depthwise ? args.Product(shape.channels, shape.filters) : shape.filters),
        output(args.Product(args.Product(shape.images, shape.out_height), args.Product(shape.out_width, bias))) {
    if (is_depthwise) args.Product(input, shape.filters);  // of each of which there is a copy
  }
  int64_t input, filter, bias, output;
};

template <bool kDepthwise>
class Forward final : public Operation {
 public:
  explicit Forward(Arguments& args) {
    op_.shape = ReadShape(args);
    const Lengths lengths(args, op_.shape, kDepthwise);
    op_.input = args.HostArray<float>("input", lengths.input).data;
    op_.filter = args.HostArray<float>("filter", lengths.filter).data;
    op_.bias = args.HostArrayOrNull<float>("bias", lengths.bias).data;
    if (!kDepthwise) op_.addend = args.HostArrayOrNull<float>("addend", lengths.output).data;
    op_.clamped = args.Boolean("clamped");
    op_.low = static_cast<float>(args.Number("low"));
    op_.high = static_cast<float>(args.Number("high"));
    op_.output = args.HostArray<float>("output", lengths.output).data;
  }
  rn_status Run(const rn_backend&) override {
    return kDepthwise ? cpu::DepthwiseConvolution(&op_) : cpu::Convolution(&op_);
  }

 private:
  rn_convolution op_{};
};

template <bool kDepthwise>
class InputGrad final : public Operation {
 public:
  explicit InputGrad(Arguments& args) {
    op_.shape = ReadShape(args);
    const Lengths lengths(args, op_.shape, kDepthwise);
    op_.output_grad = args.HostArray<float>("outputGrad", lengths.output).data;
    op_.filter = args.HostArray<float>("filter", lengths.filter).data;
    if (!kDepthwise) {
      op_.addend = args.HostArrayOrNull<float>("addend", lengths.input).data;
      op_.rectified = args.HostArrayOrNull<float>("rectified", lengths.input).data;
    }
    op_.input_grad = args.HostArray<float>("inputGrad", lengths.input).data;
  }
  rn_status Run(const rn_backend&) override {
    return kDepthwise ? cpu::DepthwiseInputGrad(&op_) : cpu::ConvolutionInputGrad(&op_);
  }

 private:
  rn_convolution_input_grad op_{};
};

template <bool kDepthwise>
class FilterGrad final : public Operation {
 public:
  explicit FilterGrad(Arguments& args) {
    op_.shape = ReadShape(args);
    const Lengths lengths(args, op_.shape, kDepthwise);
    op_.input = args.HostArray<float>("input", lengths.input).data;
    op_.output_grad = args.HostArray<float>("outputGrad", lengths.output).data;
    op_.filter_grad = args.HostArray<float>("filterGrad", lengths.filter).data;
  }
  rn_status Run(const rn_backend&) override {
    return kDepthwise ? cpu::DepthwiseFilterGrad(&op_) : cpu::ConvolutionFilterGrad(&op_);
  }

 private:
  rn_convolution_filter_grad op_{};
};

using Convolution = Forward<false>;
using ConvolutionInputGrad = InputGrad<false>;
using ConvolutionFilterGrad = FilterGrad<false>;
using DepthwiseConvolution = Forward<true>;
using DepthwiseInputGrad = InputGrad<true>;
using DepthwiseFilterGrad = FilterGrad<true>;

}  // namespace

RN_BIND(Convolution)
RN_BIND(ConvolutionInputGrad)
RN_BIND(ConvolutionFilterGrad)
RN_BIND(DepthwiseConvolution)
RN_BIND(DepthwiseInputGrad)
RN_BIND(DepthwiseFilterGrad)

}  // namespace rn::addon
