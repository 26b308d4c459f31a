#include "operation.h"

namespace rn::addon {
namespace {

class GridBoxes final : public Operation {
 public:
  explicit GridBoxes(Arguments& args) : anchors_(args) {
    op_.anchors = anchors_.anchors;
    op_.out = args.Array<float>("out", args.Product(4, op_.anchors.count)).data;
    op_.place = args.Place();
  }
  rn_status Run(const rn_backend& backend) override { return backend.grid_boxes(&op_); }

 private:
  AnchorFields anchors_;
  rn_grid_boxes op_{};
};

// `name`: of what is coded.
template <rn_status (*rn_backend::*Function)(const rn_box_coding*), const char* name>
class BoxCoding final : public Operation {
 public:
  explicit BoxCoding(Arguments& args) : anchors_(args) {
    const int64_t values = args.Product(4, anchors_.anchors.count);
    op_.anchors = anchors_.anchors;
    op_.coder_weights = ReadCoderWeights(args);
    op_.boxes = args.Array<float>(name, values).data;
    op_.out = args.Array<float>("out", values).data;
    op_.place = args.Place();
  }
  rn_status Run(const rn_backend& backend) override { return (backend.*Function)(&op_); }

 private:
  AnchorFields anchors_;
  rn_box_coding op_{};
};

constexpr char kBoxes[] = "boxes";
constexpr char kDeltas[] = "deltas";

class ClipBoxes final : public Operation {
 public:
  explicit ClipBoxes(Arguments& args) {
    const Slice<float> boxes = args.Array<float>("boxes", 0);
    op_.boxes = boxes.data;
    op_.count = boxes.length / 4;
    op_.height = static_cast<float>(args.Number("height"));
    op_.width = static_cast<float>(args.Number("width"));
    op_.out = args.Array<float>("out", 4 * op_.count).data;
    op_.place = args.Place();
  }
  rn_status Run(const rn_backend& backend) override { return backend.clip_boxes(&op_); }

 private:
  rn_clip op_{};
};

class BoxIou final : public Operation {
 public:
  explicit BoxIou(Arguments& args) {
    const Slice<float> a = args.Array<float>("a", 0);
    const Slice<float> b = args.Array<float>("b", 0);
    op_.a = a.data;
    op_.b = b.data;
    op_.rows = a.length / 4;
    op_.columns = b.length / 4;
    op_.out = args.Array<float>("out", args.Product(op_.rows, op_.columns)).data;
    op_.place = args.Place();
  }
  rn_status Run(const rn_backend& backend) override { return backend.box_iou(&op_); }

 private:
  rn_iou op_{};
};

using EncodeBoxes = BoxCoding<&rn_backend::encode_boxes, kBoxes>;
using DecodeBoxes = BoxCoding<&rn_backend::decode_boxes, kDeltas>;

}  // namespace

RN_BIND(GridBoxes)
RN_BIND(EncodeBoxes)
RN_BIND(DecodeBoxes)
RN_BIND(ClipBoxes)
RN_BIND(BoxIou)

}  // namespace rn::addon
