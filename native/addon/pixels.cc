// Pooling, resizing and batch normalization.
#include "../cpu/cpu_backend.h"
#include "field_groups.h"
#include "operation.h"

namespace rn::addon {
namespace {

template <class Shape>
int64_t OutputLength(const Arguments& args, const Shape& shape) {
  return args.Product(args.Product(shape.images, shape.out_height), args.Product(shape.out_width, shape.channels));
}

rn_pool_shape ReadPoolShape(Arguments& args) {
  rn_pool_shape shape{};
  ReadImages(args, shape);
  shape.window_height = Pixels(args, "windowHeight", 1);
  shape.window_width = Pixels(args, "windowWidth", 1);
  shape.stride_height = Pixels(args, "strideHeight", 1);
  shape.stride_width = Pixels(args, "strideWidth", 1);
  shape.pad_top = Pixels(args, "padTop");
  shape.pad_left = Pixels(args, "padLeft");
  return shape;
}

rn_resize_shape ReadResizeShape(Arguments& args) {
  rn_resize_shape shape{};
  ReadImages(args, shape, 1);
  shape.bilinear = args.Boolean("bilinear");
  shape.align_corners = args.Boolean("alignCorners");
  shape.half_pixel_centers = args.Boolean("halfPixelCenters");
  return shape;
}

class Pool final : public Operation {
 public:
  explicit Pool(Arguments& args) {
    op_.kind = args.Boolean("average") ? RN_AVERAGE_POOL : RN_MAX_POOL;
    op_.shape = ReadPoolShape(args);
    op_.input = args.HostArray<float>("input", ImagesLength(args, op_.shape)).data;
    op_.output = args.HostArray<float>("output", OutputLength(args, op_.shape)).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::Pool(&op_); }

 private:
  rn_pool op_{};
};

class PoolGrad final : public Operation {
 public:
  explicit PoolGrad(Arguments& args) {
    op_.kind = args.Boolean("average") ? RN_AVERAGE_POOL : RN_MAX_POOL;
    op_.shape = ReadPoolShape(args);
    op_.whole_windows = args.Boolean("wholeWindows");
    op_.input = args.HostArray<float>("input", ImagesLength(args, op_.shape)).data;
    op_.output_grad = args.HostArray<float>("outputGrad", OutputLength(args, op_.shape)).data;
    op_.input_grad = args.HostArray<float>("inputGrad", ImagesLength(args, op_.shape)).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::PoolGrad(&op_); }

 private:
  rn_pool_grad op_{};
};

class Resize final : public Operation {
 public:
  explicit Resize(Arguments& args) {
    op_.shape = ReadResizeShape(args);
    op_.input = args.HostArray<float>("input", ImagesLength(args, op_.shape)).data;
    op_.output = args.HostArray<float>("output", OutputLength(args, op_.shape)).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::Resize(&op_); }

 private:
  rn_resize op_{};
};

class ResizeGrad final : public Operation {
 public:
  explicit ResizeGrad(Arguments& args) {
    op_.shape = ReadResizeShape(args);
    op_.output_grad = args.HostArray<float>("outputGrad", OutputLength(args, op_.shape)).data;
    op_.input_grad = args.HostArray<float>("inputGrad", ImagesLength(args, op_.shape)).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::ResizeGrad(&op_); }

 private:
  rn_resize_grad op_{};
};

class BatchNorm final : public Operation {
 public:
  explicit BatchNorm(Arguments& args) {
    op_.pixels = args.Count("pixels");
    op_.channels = args.Count("channels");
    op_.mean = args.HostArray<float>("mean", op_.channels).data;
    op_.factor = args.HostArray<float>("factor", op_.channels).data;
    op_.offset = args.HostArray<float>("offset", op_.channels).data;
    const int64_t length = args.Product(op_.pixels, op_.channels);
    op_.input = args.HostArray<float>("input", length).data;
    op_.output = args.HostArray<float>("output", length).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::BatchNorm(&op_); }

 private:
  rn_batch_norm op_{};
};

class BatchNormSums final : public Operation {
 public:
  explicit BatchNormSums(Arguments& args) {
    op_.pixels = args.Count("pixels");
    op_.channels = args.Count("channels");
    op_.mean = args.HostArray<float>("mean", op_.channels).data;
    const int64_t length = args.Product(op_.pixels, op_.channels);
    op_.input = args.HostArray<float>("input", length).data;
    op_.output_grad = args.HostArray<float>("outputGrad", length).data;
    op_.sums = args.HostArray<float>("sums", args.Product(2, op_.channels)).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::BatchNormSums(&op_); }

 private:
  rn_batch_norm_sums op_{};
};

}  // namespace

RN_BIND(Pool)
RN_BIND(PoolGrad)
RN_BIND(Resize)
RN_BIND(ResizeGrad)
RN_BIND(BatchNorm)
RN_BIND(BatchNormSums)

}  // namespace rn::addon
