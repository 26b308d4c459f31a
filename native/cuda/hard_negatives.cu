// Hard negative mining (Liu et al. 2016, SSD, section 2.2): the background rows of the largest loss, `ratio` for each
// positive row.
#include "../math/falling_key.h"
#include "../math/hard_negatives.h"
#include "arrays.h"
#include "cuda_backend.h"
#include "scan.h"
#include "sort.h"

namespace rn::cuda {
namespace {

constexpr int kThreads = 128;         // rows of a block
constexpr int64_t kPartColumns = 32;  // that lie in shared memory at a time

struct Counts {
  unsigned long long positives, negatives;
};

// Keys of the rows, the hardest negative first and all other rows last. A thread adds up its row in order, from parts
// that the block has read row by row.
__global__ void KeyRows(const float* losses, const int32_t* labels, int64_t rows, int64_t columns, uint64_t* keys,
                        int32_t* values, Counts* counts) {
  struct Part {
    float losses[kThreads][kPartColumns + 1];  // one more, and no two rows begin in the same bank
  };
  RN_SHARED(Part, part);
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads, row = first + threadIdx.x;
  const int rows_here = static_cast<int>(min(static_cast<long long>(rows - first), static_cast<long long>(kThreads)));
  double loss = 0;
  for (int64_t column = 0; column < columns; column += kPartColumns) {
    const int width =
        static_cast<int>(min(static_cast<long long>(columns - column), static_cast<long long>(kPartColumns)));
    for (int i = static_cast<int>(threadIdx.x); i < rows_here * width; i += kThreads) {
      part.losses[i / width][i % width] = losses[(first + i / width) * columns + column + i % width];
    }
    __syncthreads();
    for (int k = 0; k < width && row < rows; ++k) loss += static_cast<double>(part.losses[threadIdx.x][k]);
    __syncthreads();
  }
  const int32_t label = row < rows ? labels[row] : RN_LABEL_IGNORED;
  const bool positive = label >= 0, negative = label == RN_LABEL_BACKGROUND && loss == loss;
  if (row < rows) {
    keys[row] = negative ? FallingKey(loss) : ~uint64_t{0};
    values[row] = static_cast<int32_t>(row);
  }
  const int positives = __popc(__ballot_sync(kAllLanes, positive));
  const int negatives = __popc(__ballot_sync(kAllLanes, negative));
  if (Lane() == 0) {
    atomicAdd(&counts->positives, static_cast<unsigned long long>(positives));
    atomicAdd(&counts->negatives, static_cast<unsigned long long>(negatives));
  }
}

}  // namespace

rn_status SelectHardNegatives(const rn_hard_negatives* args) {
  return Guarded([&] {
    const rn_hard_negatives& op = *args;
    const Turn turn(op.place);
    Device& device = turn.device;
    Arrays arrays(device, op.place.memory);
    const float* losses = arrays.In(op.losses, op.rows * op.columns);
    const int32_t* labels = arrays.In(op.labels, op.rows);
    KeyedValues order(device, op.rows);
    Scratch<Counts> on_device(device, 1);
    on_device.Clear();
    Launch(device, DivideUp(op.rows, kThreads), kThreads, KeyRows, losses, labels, op.rows, op.columns, order.keys(),
           order.values(), on_device.get());
    order.Sort(device, 64);

    Counts counts{};
    Download(device, &counts, on_device.get(), sizeof counts);
    RN_CUDA(cudaStreamSynchronize(device.stream));
    const int64_t count = NegativesToKeep(op.ratio, static_cast<int64_t>(counts.positives), op.min_negatives,
                                          static_cast<int64_t>(counts.negatives));
    if (count > 0) {
      RN_CUDA(cudaMemcpyAsync(arrays.Out(op.keep, count), order.values(), static_cast<size_t>(count) * sizeof(int32_t),
                              cudaMemcpyDeviceToDevice, device.stream));
    }
    arrays.Finish();
    *op.num_keep = count;
  });
}

}  // namespace rn::cuda
