// Resizing of images to the nearest pixel or between the four around, and its gradients.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "../threads/thread_pool.h"
#include "cpu_backend.h"
#include "kernels/kernels.h"
#include "status.h"

namespace rn::cpu {
namespace {

constexpr int64_t kBlock = 32768;  // floats of a task

// Between which two pixels of an axis an output lies, and which share of the way.
struct Place {
  int64_t low, high;
  float share;
};

// As TensorFlow.js places them, in float64.
std::vector<Place> PlacesOf(const rn_resize_shape& shape, int64_t size, int64_t out_size) {
  std::vector<Place> places(static_cast<size_t>(out_size));
  const int64_t shrink = shape.align_corners && out_size > 1 ? 1 : 0;
  const double ratio = static_cast<double>(size - shrink) / static_cast<double>(out_size - shrink);
  for (int64_t i = 0; i < out_size; ++i) {
    Place& place = places[static_cast<size_t>(i)];
    const double center = shape.half_pixel_centers ? 0.5 : 0;
    if (shape.bilinear) {
      const double at = ratio * (static_cast<double>(i) + center) - center;
      const double low = std::max(0.0, std::floor(at));
      place.low = std::min(size - 1, static_cast<int64_t>(low));
      place.high = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(at)), 0, size - 1);
      place.share = place.high == place.low ? 0 : static_cast<float>(at - low);
    } else {
      const double at = ratio * (static_cast<double>(i) + center);
      const auto nearest = static_cast<int64_t>(std::floor(shape.align_corners ? at + 0.5 : at));
      place = {std::clamp<int64_t>(nearest, 0, size - 1), 0, 0};
      place.high = place.low;
    }
  }
  return places;
}

// A place's pixels with their weights: one where the other has none.
template <class Visit>
void ForEachPixel(const Place& place, const Visit& visit) {
  if (place.share != 1) visit(place.low, 1 - place.share);
  if (place.share != 0) visit(place.high, place.share);
}

}  // namespace

rn_status Resize(const rn_resize* op) {
  return Guarded([&] {
    const rn_resize_shape& shape = op->shape;
    const int64_t c = shape.channels, rows = shape.images * shape.out_height;
    if (rows == 0 || shape.out_width == 0 || c == 0) return;
    const auto blend = ActiveKernels()->pixels.blend;
    const std::vector<Place> down = PlacesOf(shape, shape.height, shape.out_height);
    const std::vector<Place> across = PlacesOf(shape, shape.width, shape.out_width);
    const int64_t together = std::max<int64_t>(1, kBlock / (shape.out_width * c));
    ParallelFor(NumBlocks(rows, together), [&](int64_t block) {
      for (int64_t row = block * together; row < std::min(rows, (block + 1) * together); ++row) {
        const Place& y = down[static_cast<size_t>(row % shape.out_height)];
        const float* const image = op->input + row / shape.out_height * shape.height * shape.width * c;
        const float *const top = image + y.low * shape.width * c, *const bottom = image + y.high * shape.width * c;
        float* out = op->output + row * shape.out_width * c;
        for (const Place& x : across) {
          if (shape.bilinear) {
            blend({top + x.low * c, top + x.high * c, bottom + x.low * c, bottom + x.high * c}, x.share, y.share, c,
                  out);
          } else {
            std::memcpy(out, top + x.low * c, static_cast<size_t>(c) * sizeof(float));
          }
          out += c;
        }
      }
    });
  });
}

// A task has some rows of an image's gradient, to which it adds what all outputs have for them, in their order: results
// do not depend on threads.
rn_status ResizeGrad(const rn_resize_grad* op) {
  return Guarded([&] {
    const rn_resize_shape& shape = op->shape;
    const int64_t c = shape.channels, row_pitch = shape.width * c;
    if (shape.images * shape.height * row_pitch == 0) return;
    const auto add_scaled = ActiveKernels()->pixels.add_scaled;
    const std::vector<Place> down = PlacesOf(shape, shape.height, shape.out_height);
    const std::vector<Place> across = PlacesOf(shape, shape.width, shape.out_width);
    const int64_t together = std::clamp<int64_t>(kBlock / row_pitch, 1, shape.height);
    const int64_t bands = NumBlocks(shape.height, together);
    ParallelFor(shape.images * bands, [&](int64_t task) {
      const int64_t image = task / bands, first = task % bands * together,
                    end = std::min(shape.height, first + together);
      float* const grad = op->input_grad + image * shape.height * row_pitch;
      std::fill(grad + first * row_pitch, grad + end * row_pitch, 0.0f);
      for (int64_t row = 0; row < shape.out_height; ++row) {
        const float* const dy = op->output_grad + (image * shape.out_height + row) * shape.out_width * c;
        ForEachPixel(down[static_cast<size_t>(row)], [&](int64_t y, float weight) {
          if (y < first || y >= end) return;
          const float* from = dy;
          for (const Place& place : across) {
            ForEachPixel(place, [&](int64_t x, float share) {
              add_scaled(from, weight * share, c, grad + y * row_pitch + x * c);
            });
            from += c;
          }
        });
      }
    });
  });
}

}  // namespace rn::cpu
