// Batch normalization, and the sums over pixels that its gradients are made of.
#include <algorithm>
#include <vector>

#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "repeated.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = 32768;  // floats of a task

int64_t PixelsOfTask(int64_t channels) { return std::max<int64_t>(1, kBlock / std::max<int64_t>(1, channels)); }

void Normalize(const NormalizedChannels& of, const float* input, float* output, int64_t count) {
  const auto kernel = ActiveKernels()->pixels.normalize;
  const int64_t pixels = NumBlocks(count, of.channels), together = PixelsOfTask(of.channels);
  ParallelFor(NumBlocks(pixels, together), [&](int64_t block) {
    for (int64_t pixel = block * together; pixel < std::min(pixels, (block + 1) * together); ++pixel) {
      const int64_t first = pixel * of.channels;
      NormalizedChannels here = of;
      here.channels = std::min(of.channels, count - first);
      kernel(here, input + first, output + first);
    }
  });
}

}  // namespace

rn_status BatchNorm(const rn_batch_norm* op) {
  return Guarded([&] {
    const int64_t c = op->channels, count = op->pixels * c;
    if (count == 0) return;
    if (c >= kShortRow) {
      Normalize({op->mean, op->factor, op->offset, c}, op->input, op->output, count);
      return;
    }
    const std::vector<float> mean = Repeated(op->mean, c), factor = Repeated(op->factor, c),
                             offset = Repeated(op->offset, c);
    Normalize({mean.data(), factor.data(), offset.data(), c * kRepeats}, op->input, op->output, count);
  });
}

rn_status BatchNormSums(const rn_batch_norm_sums* op) {
  return Guarded([&] {
    const auto kernel = ActiveKernels()->pixels.normalization_sums;
    const NormalizedChannels of{op->mean, nullptr, nullptr, op->channels};
    const int64_t together = PixelsOfTask(op->channels), blocks = NumBlocks(op->pixels, together);
    const int64_t sums = 2 * op->channels;
    std::vector<double> partial(static_cast<size_t>(blocks * sums));
    ParallelFor(blocks, [&](int64_t block) {
      const int64_t first = block * together;
      kernel(of, op->input + first * op->channels, op->output_grad + first * op->channels,
             std::min(together, op->pixels - first), partial.data() + block * sums);
    });
    for (int64_t i = 0; i < sums; ++i) {
      double total = 0;
      for (int64_t block = 0; block < blocks; ++block) total += partial[static_cast<size_t>(block * sums + i)];
      op->sums[i] = static_cast<float>(total);
    }
  });
}

}  // namespace rn::cpu
