#include "field_groups.h"

namespace rn::addon {
namespace {

std::vector<int32_t> ReadOffsets(const Arguments& args, const Slice<int32_t>& slice, int64_t rows) {
  std::vector<int32_t> copy(slice.data, slice.data + slice.length);
  int32_t previous = 0;
  for (const int32_t offset : copy) {
    if (offset < previous || offset > rows) args.Fail("offsets that rise within the boxes");
    previous = offset;
  }
  if (copy.empty()) copy.push_back(0);  // of no call: lib/ asks for names
  return copy;
}

}  // namespace

AnchorFields::AnchorFields(Arguments& args) {
  const Slice<double> grid = args.HostArrayOrNull<double>("anchorLevels", 0);
  const Slice<float> sizes = args.HostArrayOrNull<float>("halfSizes", 0);
  const Slice<float> boxes = args.ArrayOrNull<float>("anchorBoxes", 0);
  if (!grid.data) {
    anchors.count = boxes.length / 4;
    anchors.boxes = boxes.data;
    return;
  }
  if (boxes.data) args.Fail("null beside levels");
  const int64_t count = grid.length / 5;
  if (count == 0) args.Fail("anchorLevels", "at least one level");
  anchors.anchors_per_cell = sizes.length / 2 / count;
  for (int64_t l = 0; l < count; ++l) {
    const double* level = grid.data + 5 * l;
    levels.push_back({static_cast<int64_t>(level[0]), static_cast<int64_t>(level[1]), level[2], level[3], level[4],
                      anchors.count, sizes.data + 2 * anchors.anchors_per_cell * l});
    anchors.count += args.Product(args.Product(levels.back().height, levels.back().width), anchors.anchors_per_cell);
  }
  anchors.levels = levels.data();
  anchors.num_levels = count;
}

GroundTruthFields::GroundTruthFields(Arguments& args) {
  Home home;
  const Slice<float> boxes = args.ArrayIn<float>(home, "gtBoxes", 0);
  const Slice<int32_t> labels = args.ArrayIn<int32_t>(home, "gtLabels", boxes.length / 4);
  offsets = ReadOffsets(args, args.HostArray<int32_t>("gtOffsets", 1), boxes.length / 4);
  const Slice<float> ignore_boxes = args.ArrayOrNullIn<float>(home, "ignoreBoxes", 0);
  const auto ignore = args.HostArrayOrNull<int32_t>("ignoreOffsets", static_cast<int64_t>(offsets.size()));
  args.Join(home);
  truth = {home.place.memory,
           static_cast<int64_t>(offsets.size()) - 1,
           boxes.data,
           labels.data,
           offsets.data(),
           nullptr,
           nullptr};
  if (ignore_boxes.data && ignore.data) {
    ignore_offsets = ReadOffsets(args, ignore, ignore_boxes.length / 4);
    truth.ignore_boxes = ignore_boxes.data;
    truth.ignore_offsets = ignore_offsets.data();
  }
}

rn_coder_weights ReadCoderWeights(Arguments& args) {
  const Slice<float> four = args.HostArray<float>("coderWeights", 4);
  if (!four.data) return {};  // of no call: lib/ asks for names
  return {four.data[0], four.data[1], four.data[2], four.data[3]};
}

rn_match_options ReadMatchFields(Arguments& args) {
  rn_match_options options{};
  options.positive_threshold = static_cast<float>(args.Number("positiveThreshold"));
  options.negative_threshold = static_cast<float>(args.Number("negativeThreshold"));
  options.allow_low_quality_matches = args.Boolean("allowLowQuality");
  options.ignore_iof = static_cast<float>(args.Number("ignoreIof"));
  return options;
}

}  // namespace rn::addon
