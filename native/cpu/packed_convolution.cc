#include "packed_convolution.h"

#include <algorithm>

#include "winograd.h"

namespace rn::cpu {
namespace {

void Crop(int64_t size, int64_t pad, int64_t stride, int64_t dilation, int64_t outputs, int64_t* first,
          int64_t* count) {
  const Range places{0, *count};
  *first = Within(size, pad - (outputs - 1) * stride, dilation, places).begin;  // of the last output
  *count = std::max<int64_t>(0, Within(size, pad, dilation, places).end - *first);
}

}  // namespace

FilterWindow CropFilter(rn_convolution_shape* shape) {
  FilterWindow window{};
  Crop(shape->height, shape->pad_top, shape->stride_height, shape->dilation_height, shape->out_height,
       &window.first_row, &shape->filter_height);
  Crop(shape->width, shape->pad_left, shape->stride_width, shape->dilation_width, shape->out_width,
       &window.first_column, &shape->filter_width);
  if (shape->filter_height == 0 || shape->filter_width == 0) {
    shape->filter_height = 0;
    shape->filter_width = 1;
    window = {0, 0};
  }
  shape->pad_top -= window.first_row * shape->dilation_height;
  shape->pad_left -= window.first_column * shape->dilation_width;
  return window;
}

void PadRows(const float* image, const rn_convolution_shape& shape, const Range& rows, int64_t width, float* out) {
  const int64_t c = shape.channels;
  const int64_t zeros = std::clamp<int64_t>(shape.pad_left, 0, width), from = std::max<int64_t>(0, -shape.pad_left);
  const int64_t copied = std::clamp<int64_t>(shape.width - from, 0, width - zeros);
  for (int64_t row = rows.begin; row < rows.end; ++row, out += width * c) {
    std::fill(out, out + zeros * c, 0.0f);
    if (copied > 0)
      std::memcpy(out + zeros * c, image + (row * shape.width + from) * c,
                  static_cast<size_t>(copied * c) * sizeof(float));
    std::fill(out + (zeros + copied) * c, out + width * c, 0.0f);
  }
}

namespace {

constexpr int64_t kBlockFloats = 16384;  // of the input: a part of the second cache

class Rows {
 public:
  Rows(const ConvolutionKernels& kernels, const PackedConvolution& op)
      : kernels_(kernels), op_(op), shape_(op.shape), groups_(kernels, shape_.filters) {
    read_width_ = WidthRead(shape_);
    const int64_t floats_of_row = std::max<int64_t>(1, read_width_ * shape_.channels * shape_.stride_height);
    const int64_t rows = std::clamp<int64_t>(kBlockFloats / floats_of_row, 1, shape_.out_height);
    rows_per_block_ = NumBlocks(shape_.out_height, NumBlocks(shape_.out_height, rows));
    blocks_per_image_ = NumBlocks(shape_.out_height, rows_per_block_);
    is_padded_ = NeedsPadding(shape_);
    PackFilter();
    // Pixels of successive rows are one run.
    is_flat_ = !is_padded_ && shape_.filter_height == 1 && shape_.filter_width == 1 && shape_.stride_height == 1 &&
               shape_.stride_width == 1 && shape_.pad_top == 0 && shape_.out_width == shape_.width &&
               shape_.out_height <= shape_.height && op.row_pitch == shape_.out_width * op.pixel_pitch;
  }

  int64_t blocks() const { return shape_.images * blocks_per_image_; }
  int64_t scratch() const {
    return is_padded_ ? MostRowsRead(shape_, rows_per_block_) * read_width_ * shape_.channels : 0;
  }

  void Run(int64_t block, float* scratch) const {
    const int64_t image = block / blocks_per_image_, first = block % blocks_per_image_ * rows_per_block_;
    const int64_t end = std::min(shape_.out_height, first + rows_per_block_);
    Source source{op_.input + image * shape_.height * shape_.width * shape_.channels, 0, shape_.width};
    if (is_padded_) {
      const Range read = RowsRead(shape_, first, end - 1);
      PadRows(source.rows, shape_, read, read_width_, scratch);
      source = {scratch, read.begin, read_width_};
    }
    const int64_t output = image * op_.image_pitch;
    for (int64_t group = 0; group < groups_.count(); ++group) {
      if (is_flat_) {
        Row(source, group, first, (end - first) * shape_.out_width, output);
        continue;
      }
      for (int64_t row = first; row < end; ++row) Row(source, group, row, shape_.out_width, output);
    }
  }

 private:
  void PackFilter() {
    const int64_t taps = shape_.filter_height * shape_.filter_width, c = shape_.channels;
    packed_ = ScratchFloats(taps * c * groups_.padded());
    const auto pack = [&](int64_t i) {
      const int64_t group = i / taps, tap = i % taps;
      const float* const first = op_.filter.At(tap / shape_.filter_width, tap % shape_.filter_width, 0);
      const int64_t before = groups_.first(group) * taps + tap * groups_.width(group);
      PackTap(groups_, group, op_.filter, first, c, packed_.get() + before * c);
    };
    ParallelFor(groups_.count() * taps, pack);
  }

  // Where rows of the input stand, the first of them row `row` of the image.
  struct Source {
    const float* rows;
    int64_t row, width;
  };

  // A group's channels of some pixels from the first of a row on. `image`: where the image begins in the output.
  void Row(const Source& source, int64_t group, int64_t row, int64_t pixels, int64_t image) const {
    // Of the filter only rows that meet the image.
    const int64_t top = row * shape_.stride_height - shape_.pad_top, dilation = shape_.dilation_height;
    const Range rows = Within(shape_.height, -top, dilation, {0, shape_.filter_height});
    const bool has_one_run = shape_.dilation_width == 1;  // a row of the filter lies in one piece
    const int64_t c = shape_.channels, width = groups_.width(group), first = groups_.first(group);
    ConvolutionTile tile{};
    tile.pixel_pitch = shape_.stride_width * c;
    tile.row_pitch = dilation * source.width * c;
    tile.tap_pitch = shape_.dilation_width * c;
    tile.filter_rows = rows.end - rows.begin;
    tile.taps = has_one_run ? 1 : shape_.filter_width;
    tile.length = has_one_run ? shape_.filter_width * c : c;
    tile.packed = packed_.get() + first * shape_.filter_height * shape_.filter_width * c +
                  rows.begin * shape_.filter_width * c * width;
    tile.bias = op_.bias + first;
    tile.output_pitch = op_.pixel_pitch;
    tile.columns = groups_.columns(group);
    const float* const input = source.rows + (top + rows.begin * dilation - source.row) * source.width * c;
    const int vectors = groups_.vectors(group);
    ForEachPart(pixels, kernels_.most_rows[vectors], [&](int64_t begin, int64_t end) {
      tile.input = input + begin * tile.pixel_pitch;
      const int64_t offset = image + row * op_.row_pitch + begin * op_.pixel_pitch + first;
      tile.output = op_.output + offset;
      tile.finish = op_.finish.At(offset);
      kernels_.tiles[vectors][end - begin](tile);
    });
  }

  const ConvolutionKernels& kernels_;
  const PackedConvolution& op_;
  const rn_convolution_shape& shape_;
  const ChannelGroups groups_;
  ScratchFloats packed_;  // the filter
  int64_t read_width_, rows_per_block_, blocks_per_image_;
  bool is_padded_, is_flat_;
};

}  // namespace

void Run(const ConvolutionKernels& kernels, PackedConvolution op) {
  const FilterWindow window = CropFilter(&op.shape);
  op.filter.values = op.filter.At(window.first_row, window.first_column, 0);
  if (PrefersWinograd(kernels, op.shape)) {
    RunWinograd(kernels, op);
    return;
  }
  const Rows rows(kernels, op);
  BlockScratch scratch(rows.scratch());
  ParallelFor(rows.blocks(), [&](int64_t block) { rows.Run(block, BlockScratch::Lease(scratch).get()); });
}

}  // namespace rn::cpu
