// Reads positional JavaScript arguments. lib/ has validated their meaning; here only what memory safety needs is
// checked again: the kind of every typed array and that it is long enough.
#ifndef RETINANET_OPS_ARGUMENTS_H
#define RETINANET_OPS_ARGUMENTS_H

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "../backend/backend.h"

namespace rn::addon {

template <class T>
struct Slice {
  T* data = nullptr;
  int64_t length = 0;
};

class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

  double Number() {
    const Napi::Value value = Next();
    if (!value.IsNumber()) Fail("a number");
    return value.As<Napi::Number>().DoubleValue();
  }

  int64_t Count() {
    const double value = Number();
    if (!(value >= 0 && value <= 9007199254740991.0)) Fail("a count");
    return static_cast<int64_t>(value);
  }

  bool NextIsNumber() const { return info_[index_].IsNumber(); }

  bool Boolean() {
    const Napi::Value value = Next();
    if (!value.IsBoolean()) Fail("a boolean");
    return value.As<Napi::Boolean>().Value();
  }

  Slice<float> Floats(int64_t at_least) { return Array<float>(napi_float32_array, "Float32Array", at_least, false); }
  Slice<float> FloatsOrNull(int64_t at_least) {
    return Array<float>(napi_float32_array, "Float32Array", at_least, true);
  }
  Slice<int32_t> Ints(int64_t at_least) { return Array<int32_t>(napi_int32_array, "Int32Array", at_least, false); }
  Slice<int32_t> IntsOrNull(int64_t at_least) { return Array<int32_t>(napi_int32_array, "Int32Array", at_least, true); }
  Slice<double> Doubles(int64_t at_least) { return Array<double>(napi_float64_array, "Float64Array", at_least, false); }
  Slice<double> DoublesOrNull(int64_t at_least) {
    return Array<double>(napi_float64_array, "Float64Array", at_least, true);
  }

  // The product of two counts, refused where it leaves 64 bits.
  int64_t Product(int64_t a, int64_t b) {
    if (a != 0 && b > INT64_MAX / a) Fail("counts whose product fits 64 bits");
    return a * b;
  }

  [[noreturn]] void Fail(const std::string& expected) const {
    throw Napi::TypeError::New(info_.Env(), "native argument " + std::to_string(index_) + ": expected " + expected);
  }

 private:
  Napi::Value Next() { return info_[index_++]; }

  template <class T>
  Slice<T> Array(napi_typedarray_type type, const char* name, int64_t at_least, bool nullable) {
    const Napi::Value value = Next();
    if (nullable && value.IsNull()) return {};
    napi_typedarray_type actual;
    size_t length = 0;
    void* data = nullptr;
    if (!value.IsTypedArray() ||
        napi_get_typedarray_info(info_.Env(), value, &actual, &length, &data, nullptr, nullptr) != napi_ok ||
        actual != type || static_cast<int64_t>(length) < at_least) {
      Fail(std::string(name) + " of at least " + std::to_string(at_least) + " elements");
    }
    return {static_cast<T*>(data), static_cast<int64_t>(length)};
  }

  const Napi::CallbackInfo& info_;
  size_t index_ = 0;
};

// One argument: null (switched off, where that is allowed), a number for all classes, or a Float64Array [classes].
struct PerClassArgument {
  rn_per_class Read(Arguments& args, int64_t classes, bool nullable) {
    if (args.NextIsNumber()) {
      number_ = args.Number();
      return {&number_, 1};
    }
    const Slice<double> values = nullable ? args.DoublesOrNull(classes) : args.Doubles(classes);
    return {values.data, values.data ? classes : 0};
  }

 private:
  double number_ = 0;
};

// Arguments (gradOutput | null, losses | null, grad | null) of a loss over `elements` elements.
template <class Op>
void ReadLossOutputs(Arguments& args, int64_t elements, Op& op) {
  const Slice<float> grad_output = args.FloatsOrNull(1);
  if (grad_output.length > 1 && grad_output.length < elements) args.Fail("one gradOutput, or one an element");
  op.grad_output = grad_output.data;
  op.grad_output_count = grad_output.length;
  op.losses = args.FloatsOrNull(elements).data;
  op.grad = args.FloatsOrNull(elements).data;
}

// Arguments (data, levels): levels null means data is boxes [A, 4]; otherwise levels is [L, 4] of (height, width,
// stride, first anchor) and data the half sizes [L, S, 2].
struct AnchorsArgument {
  std::vector<rn_grid_level> levels;
  rn_anchors anchors{};

  explicit AnchorsArgument(Arguments& args) {
    const Slice<float> data = args.Floats(0);
    const Slice<double> grid = args.DoublesOrNull(0);
    if (!grid.data) {
      anchors.count = data.length / 4;
      anchors.boxes = data.data;
      return;
    }
    const int64_t count = grid.length / 4;
    if (count == 0) args.Fail("at least one level");
    anchors.anchors_per_cell = data.length / 2 / count;
    for (int64_t l = 0; l < count; ++l) {
      const double* level = grid.data + 4 * l;
      levels.push_back({static_cast<int64_t>(level[0]), static_cast<int64_t>(level[1]), level[2], anchors.count,
                        data.data + 2 * anchors.anchors_per_cell * l});
      anchors.count += args.Product(args.Product(levels.back().height, levels.back().width), anchors.anchors_per_cell);
    }
    anchors.levels = levels.data();
    anchors.num_levels = count;
  }

  AnchorsArgument(const AnchorsArgument&) = delete;
  AnchorsArgument& operator=(const AnchorsArgument&) = delete;
};

// Arguments (boxes, labels, offsets, ignoreBoxes | null, ignoreOffsets | null). Offsets are copied: they decide which
// memory is read, and another thread may write to a SharedArrayBuffer.
struct GroundTruthArgument {
  std::vector<int32_t> offsets, ignore_offsets;
  rn_ground_truth truth{};

  explicit GroundTruthArgument(Arguments& args) {
    const Slice<float> boxes = args.Floats(0);
    const Slice<int32_t> labels = args.Ints(boxes.length / 4);
    offsets = Offsets(args, args.Ints(1), boxes.length / 4);
    const Slice<float> ignore_boxes = args.FloatsOrNull(0);
    const Slice<int32_t> ignore = args.IntsOrNull(static_cast<int64_t>(offsets.size()));
    truth = {RN_HOST, static_cast<int64_t>(offsets.size()) - 1, boxes.data, labels.data, offsets.data(), nullptr,
             nullptr};
    if (ignore_boxes.data && ignore.data) {
      ignore_offsets = Offsets(args, ignore, ignore_boxes.length / 4);
      truth.ignore_boxes = ignore_boxes.data;
      truth.ignore_offsets = ignore_offsets.data();
    }
  }

  GroundTruthArgument(const GroundTruthArgument&) = delete;
  GroundTruthArgument& operator=(const GroundTruthArgument&) = delete;

 private:
  static std::vector<int32_t> Offsets(const Arguments& args, const Slice<int32_t>& slice, int64_t rows) {
    std::vector<int32_t> copy(slice.data, slice.data + slice.length);
    int32_t previous = 0;
    for (const int32_t offset : copy) {
      if (offset < previous || offset > rows) args.Fail("offsets that rise within the boxes");
      previous = offset;
    }
    return copy;
  }
};

}  // namespace rn::addon

#endif
