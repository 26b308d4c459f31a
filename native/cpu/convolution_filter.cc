// The gradient of a convolution by its filter: a product of the input, transposed, with the output's gradient, over all
// pixels. Blocks of rows of images are summed from zero and then added up, which keeps errors of long sums small, in
// parts that depend on the problem alone: results have the same bits for every number of threads.
#include <algorithm>
#include <cmath>

#include "convolution.h"
#include "cpu_backend.h"
#include "status.h"
#include "winograd.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlockPixels = 192;
constexpr int64_t kMostSums = int64_t{4} << 20;  // floats of all parts
constexpr int64_t kMostUnpacked = 64;  // filters: with more, pixels lie so far apart that they take turns in the cache
constexpr int64_t kLeastRows = 64;     // of the filter's rows of a task
constexpr int64_t kLeastPackedRows = 192;  // which pay for packing
constexpr int64_t kLeastCropped = 8;  // channels: with fewer, zeros around the image cost less than tiles of few rows

class FilterGrad {
 public:
  FilterGrad(const ConvolutionKernels& kernels, const rn_convolution_filter_grad& op)
      : kernels_(kernels), op_(op), shape_(op.shape), window_(CropFilter(&shape_)), groups_(kernels, shape_.filters) {
    crops_ = NeedsPadding(shape_) && shape_.channels >= kLeastCropped;
    has_one_run_ = shape_.dilation_width == 1 && !crops_;
    run_ = has_one_run_ ? shape_.filter_width * shape_.channels : shape_.channels;
    read_width_ = WidthRead(shape_);
    is_padded_ = NeedsPadding(shape_) && !crops_;
    packs_ = shape_.filters != groups_.padded() || shape_.filters > kMostUnpacked;
    const int64_t rows = std::clamp<int64_t>(kBlockPixels / shape_.out_width, 1, shape_.out_height);
    rows_per_block_ = NumBlocks(shape_.out_height, NumBlocks(shape_.out_height, rows));
    blocks_per_image_ = NumBlocks(shape_.out_height, rows_per_block_);
    const int64_t blocks = shape_.images * blocks_per_image_;
    // Tasks are parts of the pixels, each of which has sums of its own, by chunks of the filter's rows, and of its
    // groups of channels where those have to be packed, which then happens anew for each chunk of the rows only.
    const int64_t room = std::max<int64_t>(1, kMostSums / std::max<int64_t>(1, products() * groups_.padded()));
    const int64_t pixels = blocks * rows_per_block_ * shape_.out_width;
    const double all =
        static_cast<double>(products()) * static_cast<double>(pixels) * static_cast<double>(shape_.filters);
    const int64_t tasks = std::clamp<int64_t>(std::llround(all / kLeastProducts), 1, kMostTasks);
    group_chunks_ = packs_ ? std::min(groups_.count(), tasks) : 1;
    const int64_t least_rows = packs_ || is_padded_ ? kLeastPackedRows : kLeastRows;
    row_chunks_ = std::clamp<int64_t>(products() / least_rows, 1, tasks / group_chunks_);
    parts_ = std::min({blocks, room, NumBlocks(tasks, group_chunks_ * row_chunks_)});
  }

  // Rows of the filter: input channels of all taps.
  int64_t products() const { return shape_.filter_height * shape_.filter_width * shape_.channels; }

  void Run() {
    const ScratchFloats sums(parts_ * products() * groups_.padded());
    const int64_t packed = packs_ ? rows_per_block_ * shape_.out_width * groups_.padded() : 0;
    const int64_t padded = is_padded_ ? MostRowsRead(shape_, rows_per_block_) * read_width_ * shape_.channels : 0;
    BlockScratch scratch(packed + padded);
    const int64_t blocks = shape_.images * blocks_per_image_;
    const int64_t chunks = group_chunks_ * row_chunks_;
    ParallelFor(parts_ * chunks, [&](int64_t task) {
      const int64_t part = task / chunks, chunk = task % chunks;
      const BlockScratch::Lease lease(scratch);
      const Chunk of{PartOf(products(), chunk / group_chunks_, row_chunks_),
                     PartOf(groups_.count(), chunk % group_chunks_, group_chunks_)};
      float* const sum = sums.get() + part * products() * groups_.padded();
      for (int64_t block = blocks * part / parts_; block < blocks * (part + 1) / parts_; ++block) {
        Block(block, of, lease.get(), lease.get() + packed, {sum, block > blocks * part / parts_});
      }
    });
    constexpr int64_t kRowsAtOnce = 64;
    ParallelFor(NumBlocks(products(), kRowsAtOnce), [&](int64_t block) {
      const int64_t end = std::min(products(), (block + 1) * kRowsAtOnce);
      for (int64_t row = block * kRowsAtOnce; row < end; ++row) AddUp(sums.get(), row);
    });
  }

 private:
  struct Chunk {
    Range rows, groups;
  };
  // Of a part; the first block writes them, others add.
  struct Sums {
    float* of;
    bool adds;
  };

  void AddUp(const float* sums, int64_t row) const {
    const int64_t tap = row / shape_.channels;
    const int64_t place = (window_.first_row + tap / shape_.filter_width) * op_.shape.filter_width +
                          window_.first_column + tap % shape_.filter_width;
    float* const out = op_.filter_grad + (place * shape_.channels + row % shape_.channels) * shape_.filters;
    std::copy_n(sums + row * groups_.padded(), shape_.filters, out);
    for (int64_t part = 1; part < parts_; ++part) {
      const float* const more = sums + (part * products() + row) * groups_.padded();
      for (int64_t i = 0; i < shape_.filters; ++i) out[i] += more[i];
    }
  }

  // Adds what a block of rows of an image has for a chunk of the filter.
  void Block(int64_t block, const Chunk& chunk, float* packed, float* padded, const Sums& sums) const {
    const int64_t image = block / blocks_per_image_, first = block % blocks_per_image_ * rows_per_block_;
    const int64_t end = std::min(shape_.out_height, first + rows_per_block_), c = shape_.channels;
    const int64_t pixels = (end - first) * shape_.out_width;
    const float* const grad = op_.output_grad + (image * shape_.out_height + first) * shape_.out_width * shape_.filters;
    const int64_t first_packed = groups_.first(chunk.groups.begin);
    for (int64_t group = chunk.groups.begin; packs_ && group < chunk.groups.end; ++group) {
      float* const out = packed + (groups_.first(group) - first_packed) * pixels;
      PackGroup(groups_, group, pixels, {grad, shape_.filters, 1}, out);
    }

    const float* input = op_.input + image * shape_.height * shape_.width * c;
    int64_t input_row = 0, input_width = shape_.width;
    if (is_padded_) {
      const Range read = RowsRead(shape_, first, end - 1);
      PadRows(input, shape_, read, read_width_, padded);
      input_row = read.begin;
      input = padded;
      input_width = read_width_;
    }
    // Pieces of the filter that lie side by side in the input.
    const Range& rows = chunk.rows;
    for (int64_t piece = rows.begin / run_; piece * run_ < rows.end; ++piece) {
      const int64_t pieces_per_row = has_one_run_ ? 1 : shape_.filter_width;
      const int64_t down = piece / pieces_per_row * shape_.dilation_height;
      const int64_t right = piece % pieces_per_row * shape_.dilation_width;
      // Rows and columns of the output that read those that the image has: `before` each.
      const int64_t sh = shape_.stride_height, sw = shape_.stride_width;
      const int64_t above = shape_.pad_top - down, before = crops_ ? shape_.pad_left - right : -right;
      const Range lines = Within(shape_.height, above, sh, {first, end});
      const Range columns =
          crops_ ? Within(shape_.width, before, sw, {0, shape_.out_width}) : Range{0, shape_.out_width};
      const Range of_piece{std::max(rows.begin, piece * run_), std::min(rows.end, (piece + 1) * run_)};
      if (lines.begin == lines.end || columns.begin == columns.end) {
        if (!sums.adds) Clear({of_piece, chunk.groups}, sums.of);
        continue;
      }
      const int64_t input_line = lines.begin * sh - above - input_row, input_column = columns.begin * sw - before;
      const float* const source = input + (input_line * input_width + input_column) * c;
      Piece(source - piece * run_, input_width, {of_piece, chunk.groups},
            {{lines.begin - first, lines.end - first}, columns, packs_ ? packed : grad, pixels}, sums);
    }
  }

  void Clear(const Chunk& chunk, float* sums) const {
    const int64_t first = groups_.first(chunk.groups.begin), end = groups_.first(chunk.groups.end);
    for (int64_t row = chunk.rows.begin; row < chunk.rows.end; ++row) {
      std::fill(sums + row * groups_.padded() + first, sums + row * groups_.padded() + end, 0.0f);
    }
  }

  // Those of a block that a piece of the filter meets, and the gradient by all `pixels` of the block.
  struct Outputs {
    Range lines, columns;
    const float* grad;
    int64_t pixels;
  };
  // `source` is where row 0 of the filter would read.
  void Piece(const float* source, int64_t input_width, const Chunk& chunk, const Outputs& outputs,
             const Sums& sums) const {
    const int64_t c = shape_.channels, first_packed = groups_.first(chunk.groups.begin);
    const Range& rows = chunk.rows;
    for (int64_t group = chunk.groups.begin; group < chunk.groups.end; ++group) {
      const int64_t first = groups_.first(group), width = groups_.width(group);
      const int vectors = groups_.vectors(group);
      FilterGradientTile tile{};
      tile.row_pitch = shape_.stride_height * input_width * c;
      tile.pixel_pitch = shape_.stride_width * c;
      tile.rows = outputs.lines.end - outputs.lines.begin;
      tile.pixels = outputs.columns.end - outputs.columns.begin;
      tile.packed_pitch = packs_ ? width : shape_.filters;
      tile.packed_row_pitch = shape_.out_width * tile.packed_pitch;
      tile.packed = outputs.grad + (packs_ ? (first - first_packed) * outputs.pixels : first) +
                    outputs.lines.begin * tile.packed_row_pitch + outputs.columns.begin * tile.packed_pitch;
      tile.sums_pitch = groups_.padded();
      tile.adds = sums.adds;
      ForEachPart(rows.end - rows.begin, kernels_.most_rows[vectors], [&](int64_t begin, int64_t end) {
        tile.input = source + rows.begin + begin;
        tile.sums = sums.of + (rows.begin + begin) * groups_.padded() + first;
        kernels_.filter_gradient_tiles[vectors][end - begin](tile);
      });
    }
  }

  const ConvolutionKernels& kernels_;
  const rn_convolution_filter_grad& op_;
  rn_convolution_shape shape_;  // its filter is the window
  const FilterWindow window_;
  const ChannelGroups groups_;
  bool crops_;  // outputs whose tap lies beside the image are left out, in place of zeros beside it
  bool has_one_run_, is_padded_, packs_;
  int64_t run_;         // products of the filter that lie side by side in the input
  int64_t read_width_;  // columns that a row of the output reads
  int64_t rows_per_block_, blocks_per_image_, parts_, row_chunks_, group_chunks_;
};

}  // namespace

rn_status ConvolutionFilterGrad(const rn_convolution_filter_grad* op) {
  return Guarded([&] {
    rn_convolution_filter_grad merged = *op;
    merged.shape = MergeColumns(op->shape);
    const rn_convolution_shape& shape = merged.shape;
    const int64_t size = shape.filter_height * shape.filter_width * shape.channels * shape.filters;
    if (size == 0) return;
    rn_convolution_shape window = shape;
    if (shape.images != 0 && shape.out_height != 0 && shape.out_width != 0)
      CropFilter(&window);
    else
      window.filter_height = 0;
    if (window.filter_height < shape.filter_height || window.filter_width < shape.filter_width) {
      std::fill(op->filter_grad, op->filter_grad + size, 0.0f);
    }
    if (window.filter_height == 0) return;
    const ConvolutionKernels& kernels = ActiveKernels()->convolution;
    const bool is_whole = window.filter_height == shape.filter_height && window.filter_width == shape.filter_width;
    if (is_whole && PrefersWinogradFilterGrad(kernels, shape)) {
      RunWinogradFilterGrad(kernels, merged);
    } else {
      FilterGrad(kernels, merged).Run();
    }
  });
}

}  // namespace rn::cpu
