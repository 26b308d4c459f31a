// Blocks of tiles of 2 x 2 outputs, taken from all images in order, go to threads. A block's patches are transformed
// for all channels, and then, for one group of filters after another, multiplied at each of 16 points and transformed
// back.
#include "winograd.h"

namespace rn::cpu {
namespace {

constexpr int64_t kFilterSide = 3, kTaps = kFilterSide * kFilterSide;
constexpr int64_t kTileSide = 2, kSide = WinogradPatch::kSide, kPoints = WinogradPatch::kPoints;

// Of a block, whose patches and products stay in the second cache as far as channels allow.
constexpr int64_t kLeastTiles = 16, kMostTiles = 56;
constexpr int64_t kMostPatchFloats = int64_t{1} << 20;  // of a block
constexpr int64_t kSliceChannels = 16;                  // of a filter, transformed at once

// From a point to the next: lines of the cache, an odd number, as 16 points would take turns in it otherwise.
int64_t PointPitch(int64_t floats) {
  constexpr int64_t kLine = 16;
  return (NumBlocks(floats, kLine) | 1) * kLine;
}

int64_t TilesOf(int64_t outputs) { return NumBlocks(outputs, kTileSide); }

class Winograd {
 public:
  Winograd(const ConvolutionKernels& kernels, const PackedConvolution& op)
      : kernels_(kernels),
        op_(op),
        shape_(op.shape),
        groups_(kernels, shape_.filters),
        most_width_(int64_t{kernels.most_vectors} * kernels.lanes),
        tile_rows_(TilesOf(shape_.out_height)),
        tile_columns_(TilesOf(shape_.out_width)),
        tiles_(shape_.images * tile_rows_ * tile_columns_),
        zeros_(static_cast<size_t>(std::max(shape_.channels, most_width_))),
        group_floats_(kPoints * PointPitch(shape_.channels * most_width_)),
        filter_(Floats(groups_.count() * group_floats_)) {
    const int64_t products = tiles_ * kPoints * shape_.channels * shape_.filters;
    const int64_t tasks = std::clamp<int64_t>(products / kLeastProducts, 1, kMostTasks);
    const int64_t room = std::max(kLeastTiles, kMostPatchFloats / kPoints / shape_.channels);
    const int64_t tiles = std::clamp(NumBlocks(tiles_, tasks), kLeastTiles, std::min(kMostTiles, room));
    const int64_t rows = kernels.most_rows[groups_.vectors(groups_.count() - 1)];
    tiles_per_block_ = tiles / rows * rows;  // register tiles come out even
    patch_pitch_ = PointPitch(tiles_per_block_ * shape_.channels);
  }

  void Run() {
    TransformFilter();
    BlockScratch scratch(kPoints * (patch_pitch_ + ProductPitch(most_width_)));
    ParallelFor(NumBlocks(tiles_, tiles_per_block_),
                [&](int64_t block) { Block(block, BlockScratch::Lease(scratch).get()); });
  }

 private:
  struct Place {
    int64_t image, row, column;  // of a tile's first output
  };
  // Calls visit(index, place) for `count` tiles from `first` on.
  template <class Visit>
  void ForEachTile(int64_t first, int64_t count, const Visit& visit) const {
    const int64_t row = first / tile_columns_;
    Place place{row / tile_rows_, row % tile_rows_ * kTileSide, first % tile_columns_ * kTileSide};
    for (int64_t i = 0; i < count; ++i) {
      visit(i, place);
      place.column += kTileSide;
      if (place.column < shape_.out_width) continue;
      place.column = 0;
      place.row += kTileSide;
      if (place.row < shape_.out_height) continue;
      place.row = 0;
      ++place.image;
    }
  }

  int64_t FilterPitch(int64_t group) const { return PointPitch(shape_.channels * groups_.width(group)); }
  int64_t ProductPitch(int64_t width) const { return PointPitch(tiles_per_block_ * width); }

  // At each point a matrix of the channels by the group's filters, packed for the tiles of kernels/convolution.h.
  void TransformFilter() {
    BlockScratch scratch(kTaps * kSliceChannels * most_width_);
    ParallelFor(groups_.count(), [&](int64_t group) {
      const BlockScratch::Lease taps(scratch);
      const int64_t width = groups_.width(group);
      ForEachPart(shape_.channels, kSliceChannels, [&](int64_t begin, int64_t end) {
        const int64_t size = (end - begin) * width;
        for (int64_t tap = 0; tap < kTaps; ++tap) {
          const float* const first = op_.filter.At(tap / kFilterSide, tap % kFilterSide, begin);
          PackTap(groups_, group, op_.filter, first, end - begin, taps.get() + tap * size);
        }
        float* const points = filter_.get() + group * group_floats_ + begin * width;
        kernels_.winograd.filter(taps.get(), size, points, FilterPitch(group));
      });
    });
  }

  void Block(int64_t block, float* patches) const {
    const int64_t first = block * tiles_per_block_, count = std::min(tiles_per_block_, tiles_ - first);
    ForEachTile(first, count,
                [&](int64_t i, const Place& place) { TransformPatch(place, patches + i * shape_.channels); });
    float* const products = patches + kPoints * patch_pitch_;
    for (int64_t group = 0; group < groups_.count(); ++group) {
      for (int64_t point = 0; point < kPoints; ++point) Multiply(group, point, count, patches, products);
      const int64_t width = groups_.width(group);
      ForEachTile(first, count,
                  [&](int64_t i, const Place& place) { TransformBack(group, place, products + i * width); });
    }
  }

  void TransformPatch(const Place& place, float* points) const {
    WinogradPatch patch{};
    patch.channels = shape_.channels;
    patch.points = points;
    patch.point_pitch = patch_pitch_;
    const int64_t c = shape_.channels, row_pitch = shape_.width * c;
    const int64_t top = place.row - shape_.pad_top, left = place.column - shape_.pad_left;
    const int64_t first = place.image * shape_.height * row_pitch + top * row_pitch + left * c;
    const bool is_inside = top >= 0 && top + kSide <= shape_.height && left >= 0 && left + kSide <= shape_.width;
    for (int64_t i = 0; i < kSide; ++i) {
      for (int64_t j = 0; j < kSide; ++j) {
        const int64_t row = top + i, column = left + j;
        const bool is_pixel = is_inside || (row >= 0 && row < shape_.height && column >= 0 && column < shape_.width);
        patch.pixels[i * kSide + j] = is_pixel ? op_.input + (first + i * row_pitch + j * c) : zeros_.data();
      }
    }
    kernels_.winograd.patch(patch);
  }

  void Multiply(int64_t group, int64_t point, int64_t count, const float* patches, float* products) const {
    const int64_t width = groups_.width(group);
    const int vectors = groups_.vectors(group);
    ConvolutionTile tile{};
    tile.pixel_pitch = tile.length = shape_.channels;
    tile.filter_rows = tile.taps = 1;
    tile.packed = filter_.get() + group * group_floats_ + point * FilterPitch(group);
    tile.bias = zeros_.data();
    tile.output_pitch = tile.columns = width;
    ForEachPart(count, kernels_.most_rows[vectors], [&](int64_t begin, int64_t end) {
      tile.input = patches + point * patch_pitch_ + begin * shape_.channels;
      tile.output = products + point * ProductPitch(width) + begin * width;
      kernels_.tiles[vectors][end - begin](tile);
    });
  }

  void TransformBack(int64_t group, const Place& place, const float* products) const {
    const int64_t first = groups_.first(group);
    WinogradOutputs tile{};
    tile.points = products;
    tile.point_pitch = ProductPitch(groups_.width(group));
    tile.bias = op_.bias + first;
    tile.channels = groups_.columns(group);
    const int64_t offset =
        place.image * op_.image_pitch + place.row * op_.row_pitch + place.column * op_.pixel_pitch + first;
    tile.output = op_.output + offset;
    tile.finish = op_.finish.At(offset);
    tile.row_pitch = op_.row_pitch;
    tile.pixel_pitch = op_.pixel_pitch;
    tile.rows = std::min(kTileSide, shape_.out_height - place.row);
    tile.columns = std::min(kTileSide, shape_.out_width - place.column);
    kernels_.winograd.outputs(tile);
  }

  const ConvolutionKernels& kernels_;
  const PackedConvolution& op_;
  const rn_convolution_shape& shape_;
  const ChannelGroups groups_;
  const int64_t most_width_, tile_rows_, tile_columns_, tiles_;
  const std::vector<float> zeros_;
  const int64_t group_floats_;  // of a group's transformed filter
  const ScratchFloats filter_;  // transformed
  int64_t tiles_per_block_, patch_pitch_;
};

}  // namespace

bool PrefersWinograd(const ConvolutionKernels& kernels, const rn_convolution_shape& shape) {
  if (shape.filter_height != kFilterSide || shape.filter_width != kFilterSide) return false;
  if (shape.stride_height != 1 || shape.stride_width != 1) return false;
  if (shape.dilation_height != 1 || shape.dilation_width != 1) return false;
  // As measured on x86's three instruction sets: with fewer channels or filters the tiles' transforms take the time
  // that multiplications save; the filter's own transform is paid for by so many that each of its values is spared. Of
  // one image, since its result must not depend on its batch.
  const int64_t least = std::max(16, kernels.lanes * 3 / 2), least_spared = std::max(96, 8 * kernels.lanes);
  if (shape.channels < least || shape.filters < least) return false;
  const int64_t spared =
      shape.out_height * shape.out_width * kTaps - TilesOf(shape.out_height) * TilesOf(shape.out_width) * kPoints;
  return spared >= least_spared;
}

void RunWinograd(const ConvolutionKernels& kernels, const PackedConvolution& op) { Winograd(kernels, op).Run(); }

}  // namespace rn::cpu
