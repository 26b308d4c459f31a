#include "../cpu/cpu_backend.h"
#include "operation.h"

namespace rn::addon {
namespace {

int64_t Kind(Arguments& args, int64_t count) {
  const int64_t kind = args.Count("kind");
  if (kind >= count) args.Fail("a kind of operation");
  return kind;
}

int64_t CountOf(const Arguments& args, const rn_shape& shape) {
  int64_t count = 1;
  for (int axis = 0; axis < shape.rank; ++axis) count = args.Product(count, shape.sizes[axis]);
  return count;
}

// Whole numbers from 0, as a Float64Array; their number is the rank, or has to be it.
void ReadAxes(Arguments& args, const char* name, int64_t* values, int32_t* rank, bool is_first) {
  const Slice<double> axes = args.HostArray<double>(name, is_first ? 0 : *rank);
  if (is_first && axes.length > RN_MAX_RANK) args.Fail("at most " + std::to_string(RN_MAX_RANK) + " axes");
  if (is_first) *rank = static_cast<int32_t>(axes.length);
  for (int32_t axis = 0; axis < *rank; ++axis) {
    if (!(axes.data[axis] >= 0 && axes.data[axis] <= 9007199254740991.0)) args.Fail("counts");
    values[axis] = static_cast<int64_t>(axes.data[axis]);
  }
}

rn_shape ReadShape(Arguments& args, const char* name) {
  rn_shape shape{};
  ReadAxes(args, name, shape.sizes, &shape.rank, true);
  return shape;
}

// Sizes of the shape or 1.
rn_shape ReadBroadcast(Arguments& args, const char* name, const rn_shape& to) {
  rn_shape shape = to;
  ReadAxes(args, name, shape.sizes, &shape.rank, false);
  for (int axis = 0; axis < to.rank; ++axis) {
    if (shape.sizes[axis] != to.sizes[axis] && shape.sizes[axis] != 1) args.Fail("sizes that broadcast");
  }
  return shape;
}

class Unary final : public Operation {
 public:
  explicit Unary(Arguments& args) {
    op_.kind = static_cast<rn_unary_kind>(Kind(args, RN_NUM_UNARIES));
    op_.alpha = static_cast<float>(args.Number("alpha"));
    op_.beta = static_cast<float>(args.Number("beta"));
    const Slice<float> input = args.HostArray<float>("input", 0);
    op_.input = input.data;
    op_.count = input.length;
    op_.output = args.HostArray<float>("output", op_.count).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::Unary(&op_); }

 private:
  rn_unary op_{};
};

class Binary final : public Operation {
 public:
  explicit Binary(Arguments& args) {
    op_.kind = static_cast<rn_binary_kind>(Kind(args, RN_NUM_BINARIES));
    op_.alpha = static_cast<float>(args.Number("alpha"));
    op_.shape = ReadShape(args, "shape");
    op_.a_shape = ReadBroadcast(args, "aShape", op_.shape);
    op_.b_shape = ReadBroadcast(args, "bShape", op_.shape);
    for (int axis = 0; axis < op_.shape.rank; ++axis) {
      const int64_t size = op_.shape.sizes[axis];
      if (op_.a_shape.sizes[axis] != size && op_.b_shape.sizes[axis] != size) args.Fail("the sizes of a or of b");
    }
    op_.a = args.HostArray<float>("a", CountOf(args, op_.a_shape)).data;
    op_.b = args.HostArray<float>("b", CountOf(args, op_.b_shape)).data;
    op_.output = args.HostArray<float>("output", CountOf(args, op_.shape)).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::Binary(&op_); }

 private:
  rn_binary op_{};
};

class StridedCopy final : public Operation {
 public:
  explicit StridedCopy(Arguments& args) {
    op_.shape = ReadShape(args, "shape");
    op_.input = Read(args, "input", "inputOffset", "inputStrides", op_.input_strides);
    op_.output = Read(args, "output", "outputOffset", "outputStrides", op_.output_strides);
  }
  rn_status Run(const rn_backend&) override { return cpu::StridedCopy(&op_); }

 private:
  float* Read(Arguments& args, const char* array, const char* offset, const char* strides, int64_t* into) {
    const int64_t first = args.Count(offset);
    ReadAxes(args, strides, into, &op_.shape.rank, false);
    const bool is_empty = CountOf(args, op_.shape) == 0;
    int64_t end = 0;  // one past the last element
    if (!is_empty) {
      end = Sum(args, first, 1);
      for (int axis = 0; axis < op_.shape.rank; ++axis) {
        end = Sum(args, end, args.Product(op_.shape.sizes[axis] - 1, into[axis]));
      }
    }
    const Slice<float> values = args.HostArray<float>(array, end);
    return values.data + (is_empty ? 0 : first);
  }
  static int64_t Sum(const Arguments& args, int64_t a, int64_t b) {
    if (b > INT64_MAX - a) args.Fail("places that fit 64 bits");
    return a + b;
  }

  rn_strided_copy op_{};
};

class Reduce final : public Operation {
 public:
  explicit Reduce(Arguments& args) {
    op_.kind = static_cast<rn_reduction>(Kind(args, RN_NUM_REDUCTIONS));
    op_.outer = args.Count("outer");
    op_.reduced = args.Count("reduced");
    op_.inner = args.Count("inner");
    const int64_t results = args.Product(op_.outer, op_.inner);
    op_.input = args.HostArray<float>("input", args.Product(results, op_.reduced)).data;
    op_.output = args.HostArray<float>("output", results).data;
  }
  rn_status Run(const rn_backend&) override { return cpu::Reduce(&op_); }

 private:
  rn_reduce op_{};
};

}  // namespace

RN_BIND(Unary)
RN_BIND(Binary)
RN_BIND(StridedCopy)
RN_BIND(Reduce)

}  // namespace rn::addon
