// Blocks of tiles of 2 x 2 outputs, taken from all images in order, go to threads. A block's patches are transformed for
// all channels, and then, for one group of filters after another, multiplied at each of 16 points and transformed back.
#include "winograd.h"

#include <cstdlib>

namespace rn::cpu {
namespace {

constexpr int64_t kSide = WinogradPatch::kSide, kPoints = WinogradPatch::kPoints, kTaps = 9;
constexpr int64_t kTileSide = 2;
constexpr int64_t kMostTiles = 56;                    // of a block
constexpr int64_t kMostTasks = 32;                    // enough for many threads
constexpr int64_t kLeastProducts = int64_t{1} << 22;  // of a task
constexpr int64_t kSliceFloats = 4096;                // of a tap, transformed at once

class Winograd {
 public:
  Winograd(const ConvolutionKernels& kernels, const PackedConvolution& op)
      : kernels_(kernels), op_(op), shape_(op.shape), groups_(kernels, shape_.filters) {
    tile_rows_ = NumBlocks(shape_.out_height, kTileSide);
    tile_columns_ = NumBlocks(shape_.out_width, kTileSide);
    tiles_ = shape_.images * tile_rows_ * tile_columns_;
    // Register tiles come out even.
    const int64_t rows = kernels.most_rows[groups_.vectors(groups_.count() - 1)];
    const int64_t most = kMostTiles / rows * rows;
    tiles_per_block_ = std::min(most, NumBlocks(NumBlocks(tiles_, NumBlocks(tiles_, most)), rows) * rows);
    blocks_ = NumBlocks(tiles_, tiles_per_block_);
    // Few blocks are shared by parts of the groups, each of which transforms the patches for itself.
    const int64_t products = tiles_ * kPoints * shape_.channels * shape_.filters;
    const int64_t tasks = std::clamp<int64_t>(products / kLeastProducts, 1, kMostTasks);
    parts_ = std::clamp<int64_t>(tasks / blocks_, 1, std::max<int64_t>(1, groups_.count() / 2));
    zeros_ = std::vector<float>(static_cast<size_t>(std::max(shape_.channels, groups_.padded())));
    filter_ = Floats(kPoints * shape_.channels * groups_.padded());
    most_width_ = kernels.most_vectors * kernels.lanes;
  }

  void Run() {
    TransformFilter();
    BlockScratch scratch(kPoints * tiles_per_block_ * (shape_.channels + most_width_));
    ParallelFor(blocks_ * parts_, [&](int64_t task) {
      const BlockScratch::Lease lease(scratch);
      Block(task / parts_, task % parts_, lease.get());
    });
  }

 private:
  // A group of the packed filter is an array of 9 matrices, of the transformed one of 16.
  void TransformFilter() {
    const int64_t slices = NumBlocks(shape_.channels * most_width_, kSliceFloats);
    ParallelFor(groups_.count() * slices, [&](int64_t task) {
      const int64_t group = task / slices, slice = task % slices;
      const int64_t lanes = kernels_.lanes, vectors = shape_.channels * groups_.vectors(group);
      const int64_t begin = vectors * slice / slices * lanes, end = vectors * (slice + 1) / slices * lanes;
      const int64_t first = groups_.first(group) * shape_.channels, pitch = vectors * lanes;
      kernels_.winograd.filter(op_.packed + first * kTaps + begin, pitch, end - begin,
                               filter_.get() + first * kPoints + begin, pitch);
    });
  }

  struct Place {
    int64_t image, row, column;  // of a tile's first output
  };
  Place PlaceOf(int64_t tile) const {
    const int64_t row = tile / tile_columns_;
    return {row / tile_rows_, row % tile_rows_ * kTileSide, tile % tile_columns_ * kTileSide};
  }

  void Block(int64_t block, int64_t part, float* patches) const {
    const int64_t first = block * tiles_per_block_, count = std::min(tiles_per_block_, tiles_ - first);
    const int64_t pitch = tiles_per_block_ * shape_.channels;
    for (int64_t i = 0; i < count; ++i) TransformPatch(PlaceOf(first + i), patches + i * shape_.channels, pitch);
    float* const products = patches + kPoints * pitch;
    for (int64_t group = groups_.count() * part / parts_; group < groups_.count() * (part + 1) / parts_; ++group) {
      for (int64_t point = 0; point < kPoints; ++point) {
        Multiply(group, point, count, patches + point * pitch, products);
      }
      for (int64_t i = 0; i < count; ++i) TransformBack(group, PlaceOf(first + i), i, products);
    }
  }

  void TransformPatch(const Place& place, float* points, int64_t pitch) const {
    WinogradPatch patch{};
    const int64_t c = shape_.channels, top = place.row - shape_.pad_top, left = place.column - shape_.pad_left;
    const float* const image = op_.input + place.image * shape_.height * shape_.width * c;
    for (int64_t i = 0; i < kSide; ++i) {
      for (int64_t j = 0; j < kSide; ++j) {
        const int64_t row = top + i, column = left + j;
        const bool is_inside = row >= 0 && row < shape_.height && column >= 0 && column < shape_.width;
        patch.pixels[i * kSide + j] = is_inside ? image + (row * shape_.width + column) * c : zeros_.data();
      }
    }
    patch.channels = c;
    patch.points = points;
    patch.point_pitch = pitch;
    kernels_.winograd.patch(patch);
  }

  // products[point] = patches * filter[point], of a group.
  void Multiply(int64_t group, int64_t point, int64_t count, const float* patches, float* products) const {
    const int64_t c = shape_.channels, width = groups_.width(group);
    const int vectors = groups_.vectors(group);
    ConvolutionTile tile{};
    tile.pixel_pitch = c;
    tile.filter_rows = tile.taps = 1;
    tile.length = c;
    tile.packed = filter_.get() + (groups_.first(group) * kPoints + point * width) * c;
    tile.bias = zeros_.data();
    tile.output_pitch = tile.columns = width;
    ForEachPart(count, kernels_.most_rows[vectors], [&](int64_t begin, int64_t end) {
      tile.input = patches + begin * c;
      tile.output = products + (point * tiles_per_block_ + begin) * width;
      kernels_.tiles[vectors][end - begin](tile);
    });
  }

  void TransformBack(int64_t group, const Place& place, int64_t index, const float* products) const {
    const int64_t first = groups_.first(group), width = groups_.width(group);
    WinogradOutputs tile{};
    tile.points = products + index * width;
    tile.point_pitch = tiles_per_block_ * width;
    tile.bias = op_.bias + first;
    tile.channels = groups_.columns(group);
    tile.output = op_.output + place.image * op_.image_pitch + place.row * op_.row_pitch +
                  place.column * op_.pixel_pitch + first;
    tile.row_pitch = op_.row_pitch;
    tile.pixel_pitch = op_.pixel_pitch;
    tile.rows = std::min(kTileSide, shape_.out_height - place.row);
    tile.columns = std::min(kTileSide, shape_.out_width - place.column);
    tile.clamped = op_.clamped;
    tile.low = op_.low;
    tile.high = op_.high;
    kernels_.winograd.outputs(tile);
  }

  const ConvolutionKernels& kernels_;
  const PackedConvolution& op_;
  const rn_convolution_shape& shape_;
  const ChannelGroups groups_;
  std::vector<float> zeros_;
  ScratchFloats filter_;  // transformed
  int64_t tile_rows_, tile_columns_, tiles_, tiles_per_block_, blocks_, parts_, most_width_;
};

}  // namespace

bool PrefersWinograd(const ConvolutionKernels& kernels, const rn_convolution_shape& shape) {
  if (std::getenv("W_OFF")) return false;
  if (shape.filter_height != 3 || shape.filter_width != 3) return false;
  if (shape.stride_height != 1 || shape.stride_width != 1) return false;
  if (shape.dilation_height != 1 || shape.dilation_width != 1) return false;
  return shape.channels >= kernels.lanes && shape.filters >= kernels.lanes;
}

void RunWinograd(const ConvolutionKernels& kernels, const PackedConvolution& op) { Winograd(kernels, op).Run(); }

}  // namespace rn::cpu
