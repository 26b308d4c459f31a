// The gradient by a filter of 3 x 3: tiles of the output's gradient and the patches of the input are transformed, their
// products summed at each of 16 points over all tiles, and the sums transformed back. Chunks of channels and filters,
// whose sums stay in the second cache, and parts of the tiles go to threads; both depend on the problem alone.
#include <algorithm>

#include "winograd.h"
#include "winograd_tiles.h"

namespace rn::cpu {
namespace {

constexpr int64_t kPoints = WinogradPatch::kPoints;
constexpr int64_t kTilesPerBlock = 48;                    // whose products are summed from zero
constexpr int64_t kMostChannels = 64;                     // of a chunk
constexpr int64_t kLeastTaskProducts = int64_t{1} << 23;  // of a task, whose sums are transformed and added up
constexpr int64_t kMostSums = int64_t{4} << 20;           // floats of all parts

class WinogradFilterGrad {
 public:
  WinogradFilterGrad(const ConvolutionKernels& kernels, const rn_convolution_filter_grad& op)
      : kernels_(kernels),
        op_(op),
        shape_(op.shape),
        groups_(kernels, shape_.filters),
        tiles_(shape_, std::max(kMostChannels, groups_.padded())),
        blocks_(NumBlocks(tiles_.count(), kTilesPerBlock)),
        channel_chunks_(NumBlocks(shape_.channels, kMostChannels)),
        group_chunks_(std::min(groups_.count(), NumBlocks(groups_.padded(), kMostChannels))),
        gradient_floats_(kTaps * shape_.channels * shape_.filters) {
    const int64_t products = tiles_.count() * kPoints * shape_.channels * shape_.filters;
    const int64_t tasks = std::clamp<int64_t>(products / kLeastTaskProducts, 1, kMostTasks);
    const int64_t room = std::max<int64_t>(1, kMostSums / gradient_floats_);
    parts_ = std::min({blocks_, room, NumBlocks(tasks, channel_chunks_ * group_chunks_)});
    for (int64_t chunk = 0; chunk < group_chunks_; ++chunk) {
      most_width_ = std::max(most_width_, WidthOf(GroupsOf(chunk)));
    }
    const int64_t channels = NumBlocks(shape_.channels, channel_chunks_);
    patch_pitch_ = PointPitch(kTilesPerBlock * channels);
    grad_pitch_ = PointPitch(kTilesPerBlock * most_width_);
    sum_pitch_ = PointPitch(channels * most_width_);
  }

  void Run() {
    // A single part is the gradient itself.
    const ScratchFloats parts(parts_ > 1 ? parts_ * gradient_floats_ : 0);
    BlockScratch scratch(kPoints * (patch_pitch_ + grad_pitch_ + sum_pitch_));
    const int64_t chunks = channel_chunks_ * group_chunks_;
    ParallelFor(parts_ * chunks, [&](int64_t task) {
      const int64_t part = task / chunks, chunk = task % chunks;
      const BlockScratch::Lease lease(scratch);
      const Chunk of{PartOf(shape_.channels, chunk / group_chunks_, channel_chunks_), GroupsOf(chunk % group_chunks_)};
      SumBlocks(of, PartOf(blocks_, part, parts_), lease.get());
      TransformBack(of, lease.get(), parts_ > 1 ? parts.get() + part * gradient_floats_ : op_.filter_grad);
    });
    if (parts_ == 1) return;
    constexpr int64_t kAtOnce = 8192;
    ParallelFor(NumBlocks(gradient_floats_, kAtOnce), [&](int64_t block) {
      const int64_t begin = block * kAtOnce, end = std::min(gradient_floats_, begin + kAtOnce);
      std::copy(parts.get() + begin, parts.get() + end, op_.filter_grad + begin);
      for (int64_t part = 1; part < parts_; ++part) {
        const float* const more = parts.get() + part * gradient_floats_;
        for (int64_t i = begin; i < end; ++i) op_.filter_grad[i] += more[i];
      }
    });
  }

 private:
  struct Chunk {
    Range channels, groups;
  };
  Range GroupsOf(int64_t chunk) const { return PartOf(groups_.count(), chunk, group_chunks_); }
  int64_t WidthOf(const Range& groups) const { return groups_.first(groups.end) - groups_.first(groups.begin); }

  // A thread's memory: sums [point][channel][filter], patches [point][tile][channel], and gradients of the output
  // [point][group][tile][filter].
  float* Sums(float* scratch) const { return scratch; }
  float* Patches(float* scratch) const { return scratch + kPoints * sum_pitch_; }
  float* Grads(float* scratch) const { return Patches(scratch) + kPoints * patch_pitch_; }

  void SumBlocks(const Chunk& chunk, const Range& blocks, float* scratch) const {
    if (groups_.first(chunk.groups.end) > shape_.filters) {  // lanes that no gradient fills
      std::fill(Grads(scratch), Grads(scratch) + kPoints * grad_pitch_, 0.0f);
    }
    for (int64_t block = blocks.begin; block < blocks.end; ++block) {
      const int64_t first = block * kTilesPerBlock, count = std::min(kTilesPerBlock, tiles_.count() - first);
      tiles_.ForEach(first, count, [&](int64_t i, const WinogradTiles::Place& place) {
        TransformPatch(chunk.channels, place, Patches(scratch) + i * (chunk.channels.end - chunk.channels.begin));
        TransformGrads(chunk.groups, place, i, Grads(scratch));
      });
      for (int64_t point = 0; point < kPoints; ++point) Multiply(chunk, point, count, block > blocks.begin, scratch);
    }
  }

  void TransformPatch(const Range& channels, const WinogradTiles::Place& place, float* points) const {
    WinogradPatch patch{};
    patch.channels = channels.end - channels.begin;
    patch.points = points;
    patch.point_pitch = patch_pitch_;
    tiles_.FindPatch(op_.input, place, channels.begin, patch.pixels);
    kernels_.winograd.patch(patch);
  }

  void TransformGrads(const Range& groups, const WinogradTiles::Place& place, int64_t tile, float* points) const {
    WinogradGrads grads{};
    grads.point_pitch = grad_pitch_;
    for (int64_t group = groups.begin; group < groups.end; ++group) {
      const int64_t before = groups_.first(group) - groups_.first(groups.begin);
      grads.filters = groups_.columns(group);
      grads.points = points + before * kTilesPerBlock + tile * groups_.width(group);
      tiles_.FindTile(op_.output_grad, place, groups_.first(group), grads.pixels);
      kernels_.winograd.grads(grads);
    }
  }

  void Multiply(const Chunk& chunk, int64_t point, int64_t count, bool adds, float* scratch) const {
    const int64_t channels = chunk.channels.end - chunk.channels.begin;
    for (int64_t group = chunk.groups.begin; group < chunk.groups.end; ++group) {
      const int64_t before = groups_.first(group) - groups_.first(chunk.groups.begin);
      const int vectors = groups_.vectors(group);
      FilterGradientTile tile{};
      tile.pixel_pitch = channels;
      tile.rows = 1;
      tile.pixels = count;
      tile.packed = Grads(scratch) + point * grad_pitch_ + before * kTilesPerBlock;
      tile.packed_pitch = groups_.width(group);
      tile.sums_pitch = WidthOf(chunk.groups);
      tile.adds = adds;
      ForEachPart(channels, kernels_.most_rows[vectors], [&](int64_t begin, int64_t end) {
        tile.input = Patches(scratch) + point * patch_pitch_ + begin;
        tile.sums = Sums(scratch) + point * sum_pitch_ + begin * tile.sums_pitch + before;
        kernels_.filter_gradient_tiles[vectors][end - begin](tile);
      });
    }
  }

  void TransformBack(const Chunk& chunk, float* scratch, float* gradient) const {
    const int64_t first = groups_.first(chunk.groups.begin);
    WinogradTaps taps{};
    taps.point_pitch = sum_pitch_;
    taps.filters = std::min(shape_.filters, groups_.first(chunk.groups.end)) - first;
    taps.tap_pitch = shape_.channels * shape_.filters;
    for (int64_t channel = chunk.channels.begin; channel < chunk.channels.end; ++channel) {
      taps.points = Sums(scratch) + (channel - chunk.channels.begin) * WidthOf(chunk.groups);
      taps.output = gradient + channel * shape_.filters + first;
      kernels_.winograd.taps(taps);
    }
  }

  const ConvolutionKernels& kernels_;
  const rn_convolution_filter_grad& op_;
  const rn_convolution_shape& shape_;
  const ChannelGroups groups_;
  const WinogradTiles tiles_;
  const int64_t blocks_, channel_chunks_, group_chunks_;
  const int64_t gradient_floats_;
  int64_t most_width_ = 0, parts_, patch_pitch_, grad_pitch_, sum_pitch_;
};

}  // namespace

bool PrefersWinogradFilterGrad(const ConvolutionKernels& kernels, const rn_convolution_shape& shape) {
  if (!CanBeWinograd(shape)) return false;
  const int64_t least = std::max(16, kernels.lanes);
  return shape.channels >= least && shape.filters >= least && WinogradTiles::Count(shape) >= kTilesPerBlock;
}

void RunWinogradFilterGrad(const ConvolutionKernels& kernels, const rn_convolution_filter_grad& op) {
  WinogradFilterGrad(kernels, op).Run();
}

}  // namespace rn::cpu
