// Blocks of tiles of 2 x 2 outputs, taken from all images in order, go to threads. A block's patches are transformed
// for all channels, and then, for one group of filters after another, multiplied at each of 16 points and transformed
// back.
#include "winograd.h"

#include <algorithm>

#include "winograd_tiles.h"

namespace rn::cpu {
namespace {

constexpr int64_t kPoints = WinogradPatch::kPoints;

// Of a block, whose patches and products stay in the second cache as far as channels allow.
constexpr int64_t kLeastTiles = 16, kMostTiles = 56;
constexpr int64_t kMostPatchFloats = int64_t{1} << 20;  // of a block
constexpr int64_t kSliceChannels = 16;                  // of a filter, transformed at once

class Winograd {
 public:
  Winograd(const ConvolutionKernels& kernels, const PackedConvolution& op)
      : kernels_(kernels),
        op_(op),
        shape_(op.shape),
        groups_(kernels, shape_.filters),
        most_width_(int64_t{kernels.most_vectors} * kernels.lanes),
        tiles_(shape_, std::max(shape_.channels, most_width_)),
        group_floats_(kPoints * PointPitch(shape_.channels * most_width_)),
        filter_(groups_.count() * group_floats_) {
    const int64_t products = tiles_.count() * kPoints * shape_.channels * shape_.filters;
    const int64_t tasks = std::clamp<int64_t>(products / kLeastProducts, 1, kMostTasks);
    const int64_t room = std::max(kLeastTiles, kMostPatchFloats / kPoints / shape_.channels);
    const int64_t tiles = std::clamp(NumBlocks(tiles_.count(), tasks), kLeastTiles, std::min(kMostTiles, room));
    const int64_t rows = kernels.most_rows[groups_.vectors(groups_.count() - 1)];
    tiles_per_block_ = tiles / rows * rows;  // register tiles come out even
    patch_pitch_ = PointPitch(tiles_per_block_ * shape_.channels);
  }

  void Run() {
    TransformFilter();
    BlockScratch scratch(kPoints * (patch_pitch_ + ProductPitch(most_width_)));
    ParallelFor(NumBlocks(tiles_.count(), tiles_per_block_),
                [&](int64_t block) { Block(block, BlockScratch::Lease(scratch).get()); });
  }

 private:
  using Place = WinogradTiles::Place;

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
    const int64_t first = block * tiles_per_block_, count = std::min(tiles_per_block_, tiles_.count() - first);
    tiles_.ForEach(first, count,
                   [&](int64_t i, const Place& place) { TransformPatch(place, patches + i * shape_.channels); });
    float* const products = patches + kPoints * patch_pitch_;
    for (int64_t group = 0; group < groups_.count(); ++group) {
      for (int64_t point = 0; point < kPoints; ++point) Multiply(group, point, count, patches, products);
      const int64_t width = groups_.width(group);
      tiles_.ForEach(first, count,
                     [&](int64_t i, const Place& place) { TransformBack(group, place, products + i * width); });
    }
  }

  void TransformPatch(const Place& place, float* points) const {
    WinogradPatch patch{};
    patch.channels = shape_.channels;
    patch.points = points;
    patch.point_pitch = patch_pitch_;
    tiles_.FindPatch(op_.input, place, 0, patch.pixels);
    kernels_.winograd.patch(patch);
  }

  void Multiply(int64_t group, int64_t point, int64_t count, const float* patches, float* products) const {
    const int64_t width = groups_.width(group);
    const int vectors = groups_.vectors(group);
    ConvolutionTile tile{};
    tile.pixel_pitch = tile.length = shape_.channels;
    tile.filter_rows = tile.taps = 1;
    tile.packed = filter_.get() + group * group_floats_ + point * FilterPitch(group);
    tile.bias = tiles_.zeros();
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
    tile.rows = std::min(WinogradTiles::kSide, shape_.out_height - place.row);
    tile.columns = std::min(WinogradTiles::kSide, shape_.out_width - place.column);
    kernels_.winograd.outputs(tile);
  }

  const ConvolutionKernels& kernels_;
  const PackedConvolution& op_;
  const rn_convolution_shape& shape_;
  const ChannelGroups groups_;
  const int64_t most_width_;
  const WinogradTiles tiles_;
  const int64_t group_floats_;  // of a group's transformed filter
  const ScratchFloats filter_;  // transformed
  int64_t tiles_per_block_, patch_pitch_;
};

}  // namespace

bool PrefersWinograd(const ConvolutionKernels& kernels, const rn_convolution_shape& shape) {
  if (!CanBeWinograd(shape)) return false;
  // As measured on x86's three instruction sets: with fewer channels or filters the tiles' transforms take the time
  // that multiplications save; the filter's own transform is paid for by so many that each of its values is spared. Of
  // one image, since its result must not depend on its batch.
  const int64_t least = std::max(16, kernels.lanes * 3 / 2), least_spared = std::max(96, 8 * kernels.lanes);
  if (shape.channels < least || shape.filters < least) return false;
  rn_convolution_shape image = shape;
  image.images = 1;
  const int64_t spared = shape.out_height * shape.out_width * kTaps - WinogradTiles::Count(image) * kPoints;
  return spared >= least_spared;
}

void RunWinograd(const ConvolutionKernels& kernels, const PackedConvolution& op) { Winograd(kernels, op).Run(); }

}  // namespace rn::cpu
