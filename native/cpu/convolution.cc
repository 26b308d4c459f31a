// Convolutions, and their gradients by the input, which are convolutions of the output's gradient with the filter turned
// around. Blocks of rows of an image go to threads; of a block each group of channels and each row is cut into tiles that
// fill the registers (kernels/convolution.h). Every output is computed by one tile: results do not depend on threads.
#include "convolution.h"

#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {

void PadRows(const float* image, const rn_convolution_shape& shape, int64_t row, int64_t rows, int64_t left,
             int64_t width, float* out) {
  const int64_t c = shape.channels;
  const int64_t zeros = std::clamp<int64_t>(left, 0, width), from = std::max<int64_t>(0, -left);
  const int64_t copied = std::clamp<int64_t>(shape.width - from, 0, width - zeros);
  for (int64_t i = row; i < row + rows; ++i, out += width * c) {
    if (i < 0 || i >= shape.height) {
      std::fill(out, out + width * c, 0.0f);
      continue;
    }
    std::fill(out, out + zeros * c, 0.0f);
    const float* const begin = image + (i * shape.width + from) * c;
    std::copy(begin, begin + copied * c, out + zeros * c);
    std::fill(out + (zeros + copied) * c, out + width * c, 0.0f);
  }
}

namespace {

constexpr int64_t kBlockFloats = 16384;  // of the input: a part of the second cache

// A convolution whose filter is packed, and whose output's pixels need not lie side by side.
struct PackedConvolution {
  rn_convolution_shape shape;
  const float* input;
  const float *packed, *bias;  // by the groups of shape.filters
  bool clamped;
  float low, high;
  float* output;
  int64_t image_pitch, row_pitch, pixel_pitch;  // of the output
};

class Rows {
 public:
  Rows(const ConvolutionKernels& kernels, const PackedConvolution& op)
      : kernels_(kernels), op_(op), shape_(op.shape), groups_(kernels, shape_.filters) {
    const int64_t floats_of_row = std::max<int64_t>(1, ReadWidth() * shape_.channels * shape_.stride_height);
    const int64_t rows = std::clamp<int64_t>(kBlockFloats / floats_of_row, 1, shape_.out_height);
    rows_per_block_ = NumBlocks(shape_.out_height, NumBlocks(shape_.out_height, rows));
    blocks_per_image_ = NumBlocks(shape_.out_height, rows_per_block_);
    is_padded_ = shape_.pad_left != 0 || ReadWidth() > shape_.width;
    // Pixels of successive rows are one run.
    is_flat_ = !is_padded_ && shape_.filter_height == 1 && shape_.filter_width == 1 && shape_.stride_height == 1 &&
               shape_.stride_width == 1 && shape_.pad_top == 0 && shape_.out_width == shape_.width &&
               shape_.out_height <= shape_.height && op.row_pitch == shape_.out_width * op.pixel_pitch;
  }

  int64_t blocks() const { return shape_.images * blocks_per_image_; }
  int64_t scratch() const { return is_padded_ ? ReadHeight(rows_per_block_) * ReadWidth() * shape_.channels : 0; }

  void Run(int64_t block, float* scratch) const {
    const int64_t image = block / blocks_per_image_, first = block % blocks_per_image_ * rows_per_block_;
    const int64_t end = std::min(shape_.out_height, first + rows_per_block_);
    Source source{op_.input + image * shape_.height * shape_.width * shape_.channels, 0, shape_.width};
    if (is_padded_) {
      source.row = first * shape_.stride_height - shape_.pad_top;
      PadRows(source.rows, shape_, source.row, ReadHeight(end - first), shape_.pad_left, ReadWidth(), scratch);
      source.rows = scratch;
      source.width = ReadWidth();
    }
    float* const output = op_.output + image * op_.image_pitch;
    for (int64_t group = 0; group < groups_.count(); ++group) {
      if (is_flat_) {
        Row(source, group, first, (end - first) * shape_.out_width, output);
        continue;
      }
      for (int64_t row = first; row < end; ++row) Row(source, group, row, shape_.out_width, output);
    }
  }

 private:
  // Where rows of the input stand, the first of them row `row` of the image.
  struct Source {
    const float* rows;
    int64_t row, width;
  };

  int64_t ReadWidth() const {
    return (shape_.out_width - 1) * shape_.stride_width + (shape_.filter_width - 1) * shape_.dilation_width + 1;
  }
  int64_t ReadHeight(int64_t rows) const {
    return (rows - 1) * shape_.stride_height + (shape_.filter_height - 1) * shape_.dilation_height + 1;
  }

  // A group's channels of some pixels from the first of a row on.
  void Row(const Source& source, int64_t group, int64_t row, int64_t pixels, float* output) const {
    // Of the filter only rows that meet the image.
    const int64_t top = row * shape_.stride_height - shape_.pad_top, dilation = shape_.dilation_height;
    const int64_t from = std::min(shape_.filter_height, top < 0 ? NumBlocks(-top, dilation) : 0);
    const int64_t to = std::clamp(NumBlocks(shape_.height - top, dilation), from, shape_.filter_height);
    const bool has_one_run = shape_.dilation_width == 1;  // a row of the filter lies in one piece
    const int64_t c = shape_.channels, width = groups_.width(group), first = groups_.first(group);
    ConvolutionTile tile{};
    tile.pixel_pitch = shape_.stride_width * c;
    tile.row_pitch = dilation * source.width * c;
    tile.tap_pitch = shape_.dilation_width * c;
    tile.filter_rows = to - from;
    tile.taps = has_one_run ? 1 : shape_.filter_width;
    tile.length = has_one_run ? shape_.filter_width * c : c;
    tile.packed = op_.packed + first * shape_.filter_height * shape_.filter_width * c +
                  from * shape_.filter_width * c * width;
    tile.bias = op_.bias + first;
    tile.output_pitch = op_.pixel_pitch;
    tile.columns = groups_.columns(group);
    tile.clamped = op_.clamped;
    tile.low = op_.low;
    tile.high = op_.high;
    const float* const input = source.rows + (top + from * dilation - source.row) * source.width * c;
    const int vectors = groups_.vectors(group);
    ForEachPart(pixels, kernels_.most_rows[vectors], [&](int64_t begin, int64_t end) {
      tile.input = input + begin * tile.pixel_pitch;
      tile.output = output + row * op_.row_pitch + begin * op_.pixel_pitch + first;
      kernels_.tiles[vectors][end - begin](tile);
    });
  }

  const ConvolutionKernels& kernels_;
  const PackedConvolution& op_;
  const rn_convolution_shape& shape_;
  const ChannelGroups groups_;
  int64_t rows_per_block_, blocks_per_image_;
  bool is_padded_, is_flat_;
};

void Run(const ConvolutionKernels& kernels, const PackedConvolution& op) {
  const Rows rows(kernels, op);
  BlockScratch scratch(rows.scratch());
  ParallelFor(rows.blocks(), [&](int64_t block) { rows.Run(block, BlockScratch::Lease(scratch).get()); });
}

bool IsEmpty(const rn_convolution_shape& shape) {
  return shape.images == 0 || shape.out_height == 0 || shape.out_width == 0 || shape.filters == 0;
}

int64_t Taps(const rn_convolution_shape& shape) { return shape.filter_height * shape.filter_width; }

// The phase of an input gradient: pixels of the input whose row and column have the same rest by the strides. They
// meet the same rows and columns of the filter, every stride-th from `first_*` on, which makes a dense convolution.
struct Phase {
  int64_t row, column;
  int64_t first_row, first_column, rows, columns;  // of the filter
};

}  // namespace

rn_status Convolution(const rn_convolution* op) {
  return Guarded([&] {
    const rn_convolution_shape& shape = op->shape;
    if (IsEmpty(shape)) return;
    const ConvolutionKernels& kernels = ActiveKernels()->convolution;
    const ChannelGroups groups(kernels, shape.filters);
    const int64_t products = Taps(shape) * shape.channels;
    std::vector<float> packed(static_cast<size_t>(products * groups.padded()));
    std::vector<float> bias(static_cast<size_t>(groups.padded()));
    Pack(groups, products, 1, [&](int64_t row) { return op->filter + row * shape.filters; }, packed.data());
    if (op->bias) std::copy(op->bias, op->bias + shape.filters, bias.begin());
    const int64_t row_pitch = shape.out_width * shape.filters;
    Run(kernels, {shape, op->input, packed.data(), bias.data(), op->clamped != 0, op->low, op->high, op->output,
                  shape.out_height * row_pitch, row_pitch, shape.filters});
  });
}

rn_status ConvolutionInputGrad(const rn_convolution_input_grad* op) {
  return Guarded([&] {
    const rn_convolution_shape& shape = op->shape;
    const int64_t row_pitch = shape.width * shape.channels, image_pitch = shape.height * row_pitch;
    const int64_t sh = shape.stride_height, sw = shape.stride_width;
    const bool leaves_gaps = shape.filter_height < sh || shape.filter_width < sw || IsEmpty(shape);
    if (leaves_gaps) std::fill(op->input_grad, op->input_grad + shape.images * image_pitch, 0.0f);
    if (IsEmpty(shape) || image_pitch == 0) return;
    const ConvolutionKernels& kernels = ActiveKernels()->convolution;
    const ChannelGroups groups(kernels, shape.channels);
    std::vector<float> packed(static_cast<size_t>(Taps(shape) * shape.filters * groups.padded()));
    const std::vector<float> bias(static_cast<size_t>(groups.padded()));
    const auto run = [&](const Phase& phase) {
      const auto turned = [&](int64_t product) {
        const int64_t tap = product / shape.filters;
        const int64_t row = phase.first_row + (phase.rows - 1 - tap / phase.columns) * sh;
        const int64_t column = phase.first_column + (phase.columns - 1 - tap % phase.columns) * sw;
        return op->filter + (row * shape.filter_width + column) * shape.channels * shape.filters + product % shape.filters;
      };
      Pack(groups, phase.rows * phase.columns * shape.filters, shape.filters, turned, packed.data());
      rn_convolution_shape dense = shape;
      dense.height = shape.out_height, dense.width = shape.out_width, dense.channels = shape.filters;
      dense.filter_height = phase.rows, dense.filter_width = phase.columns, dense.filters = shape.channels;
      dense.out_height = NumBlocks(shape.height - phase.row, sh), dense.out_width = NumBlocks(shape.width - phase.column, sw);
      dense.stride_height = dense.stride_width = 1;
      dense.pad_top = (phase.rows - 1) * shape.dilation_height - (phase.row + shape.pad_top) / sh;
      dense.pad_left = (phase.columns - 1) * shape.dilation_width - (phase.column + shape.pad_left) / sw;
      Run(kernels, {dense, op->output_grad, packed.data(), bias.data(), false, 0, 0,
                    op->input_grad + phase.row * row_pitch + phase.column * shape.channels, image_pitch, sh * row_pitch,
                    sw * shape.channels});
    };
    for (int64_t row = 0; row < std::min(sh, shape.height); ++row) {
      for (int64_t column = 0; column < std::min(sw, shape.width); ++column) {
        Phase phase{row, column, (row + shape.pad_top) % sh, (column + shape.pad_left) % sw, 0, 0};
        phase.rows = NumBlocks(std::max<int64_t>(0, shape.filter_height - phase.first_row), sh);
        phase.columns = NumBlocks(std::max<int64_t>(0, shape.filter_width - phase.first_column), sw);
        if (phase.rows > 0 && phase.columns > 0) run(phase);
      }
    }
  });
}

}  // namespace rn::cpu
