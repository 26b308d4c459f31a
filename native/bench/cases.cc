#include "cases.h"

#include <cmath>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "data.h"
#include "reference.h"

namespace rn::bench {
namespace {

constexpr int64_t kImageHeight = 800, kImageWidth = 1344;

void Must(const rn_status& status) {
  if (status.code != RN_OK) throw std::runtime_error(status.message);
}

bool Close(double got, double want, double relative) { return std::fabs(got - want) <= relative * std::fabs(want); }

std::string Differs(const char* what, int64_t index, double got, double want) {
  char text[160];
  std::snprintf(text, sizeof text, "%s %lld is %.9g, wanted %.9g", what, static_cast<long long>(index), got, want);
  return text;
}

Case FocalLoss(const rn_backend& backend, const std::string& name, int64_t rows, bool with_grad, double gamma) {
  constexpr int64_t kClasses = 80;
  struct State {
    std::vector<float> logits, grad;
    std::vector<int32_t> labels;
    double alpha = 0.25, gamma = 0, sum = 0;
    double positives = 0;
    rn_focal_loss op{};
  };
  auto s = std::make_shared<State>();
  Random next(1);
  for (int64_t i = 0; i < rows * kClasses; ++i) s->logits.push_back(static_cast<float>(next.Uniform(-8, 2)));
  for (int64_t i = 0; i < rows; ++i) {
    s->labels.push_back(next.Uniform(0, 1) < 0.005 ? next.Integer(0, kClasses) : RN_LABEL_BACKGROUND);
  }
  if (with_grad) s->grad.resize(s->logits.size());
  s->gamma = gamma;
  s->op.logits = s->logits.data();
  s->op.labels = s->labels.data();
  s->op.rows = rows;
  s->op.classes = kClasses;
  s->op.alpha = {&s->alpha, 1};
  s->op.gamma = {&s->gamma, 1};
  s->op.normalizer = 1;
  s->op.grad = with_grad ? s->grad.data() : nullptr;
  s->op.loss_sum = &s->sum;
  s->op.num_positive = &s->positives;
  const int64_t count = rows * kClasses;
  const auto check = [s, with_grad, count]() -> std::string {
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      const size_t at = static_cast<size_t>(i);
      const bool positive = s->labels[static_cast<size_t>(i / kClasses)] == i % kClasses;
      const FocalElement want = FocalReference(static_cast<double>(s->logits[at]), positive, s->alpha, s->gamma);
      sum += want.value;
      if (!with_grad) continue;
      const double got = static_cast<double>(s->grad[at]);
      if (!Close(got, want.grad, 2e-6)) return Differs("gradient", i, got, want.grad);
    }
    return Close(s->sum, sum, 1e-6) ? "" : Differs("loss", 0, s->sum, sum);
  };
  return {name,
          "logit",
          count,
          with_grad ? 0 : count,
          with_grad ? count : 0,
          [s, &backend] { Must(backend.focal_loss(&s->op)); },
          check};
}

Case Assignment(const rn_backend& backend, const std::string& name, int64_t boxes, bool as_array) {
  struct State {
    Grid grid{kImageHeight, kImageWidth};
    std::vector<Box> anchors, truth;
    std::vector<int32_t> truth_labels, offsets, labels, matches;
    std::vector<uint8_t> matched;
    int64_t positives = 0;
    rn_assign op{};
  };
  auto s = std::make_shared<State>();
  Random next(2);
  const rn_anchors grid = s->grid.Anchors();
  s->anchors.resize(static_cast<size_t>(grid.count));
  const rn_grid_boxes boxes_of_grid{{RN_HOST, 0}, grid, &s->anchors[0].x1};
  Must(backend.grid_boxes(&boxes_of_grid));
  s->truth = RandomBoxes(next, boxes, kImageHeight, kImageWidth, 16, 400);
  s->truth_labels.assign(static_cast<size_t>(boxes), 0);
  s->offsets = {0, static_cast<int32_t>(boxes)};
  s->labels.resize(s->anchors.size());
  s->matches.resize(s->anchors.size());
  s->matched.resize(static_cast<size_t>(boxes));
  s->op.anchors = as_array ? rn_anchors{grid.count, &s->anchors[0].x1, nullptr, 0, 0} : grid;
  s->op.truth = {RN_HOST, 1, &s->truth[0].x1, s->truth_labels.data(), s->offsets.data(), nullptr, nullptr};
  s->op.options = {0.5f, 0.4f, 0.5f, 1};
  s->op.labels = s->labels.data();
  s->op.matches = s->matches.data();
  s->op.positive_counts = &s->positives;
  s->op.gt_matched = s->matched.data();
  const auto check = [s]() -> std::string {
    const std::vector<int32_t> want = MatchReference(s->anchors, s->truth);
    for (size_t a = 0; a < want.size(); ++a) {
      if (s->matches[a] != want[a]) return Differs("match", static_cast<int64_t>(a), s->matches[a], want[a]);
    }
    return "";
  };
  return {name, "anchor", grid.count, 0, 0, [s, &backend] { Must(backend.assign(&s->op)); }, check};
}

Case Nms(const rn_backend& backend, const std::string& name, int64_t count) {
  struct State {
    std::vector<Box> boxes;
    std::vector<float> scores;
    std::vector<int32_t> keep;
    int64_t kept = 0;
    rn_nms op{};
  };
  auto s = std::make_shared<State>();
  Random next(3);
  s->boxes = RandomBoxes(next, count, kImageHeight, kImageWidth, 16, 200);
  for (int64_t i = 0; i < count; ++i) s->scores.push_back(static_cast<float>(next.Uniform(0, 1)));
  s->keep.resize(static_cast<size_t>(count));
  s->op = {{RN_HOST, 0}, &s->boxes[0].x1, s->scores.data(), nullptr, count, 0.5, count, s->keep.data(), &s->kept};
  const auto check = [s]() -> std::string {
    const std::vector<int32_t> want = NmsReference(s->boxes, s->scores, 0.5);
    if (s->kept != static_cast<int64_t>(want.size())) {
      return Differs("number kept", 0, static_cast<double>(s->kept), static_cast<double>(want.size()));
    }
    for (size_t i = 0; i < want.size(); ++i) {
      if (s->keep[i] != want[i]) return Differs("kept row", static_cast<int64_t>(i), s->keep[i], want[i]);
    }
    return "";
  };
  return {name, "box", count, 0, 0, [s, &backend] { Must(backend.nms(&s->op)); }, check};
}

}  // namespace

std::vector<CaseMaker> Cases(const rn_backend& backend, bool quick) {
  std::vector<CaseMaker> cases;
  const auto add = [&](const std::string& name, const std::function<Case(const std::string&)>& make) {
    cases.push_back({name, [name, make] { return make(name); }});
  };
  const int64_t rows = quick ? 20000 : 200000;
  const std::string size = ", " + std::to_string(rows) + " x 80";
  for (const double gamma : {2.0, 1.5}) {
    const std::string suffix = (gamma > 1.9 ? ", gamma 2" : ", gamma 1.5") + size;
    add("focal loss" + suffix,
        [&backend, rows, gamma](const std::string& name) { return FocalLoss(backend, name, rows, false, gamma); });
    add("focal loss and gradient" + suffix,
        [&backend, rows, gamma](const std::string& name) { return FocalLoss(backend, name, rows, true, gamma); });
  }
  for (const bool as_array : {false, true}) {
    for (const int64_t boxes : {7, 50, 300, 2000}) {
      if (quick && boxes > 300) continue;
      add(std::string("assignment, ") + (as_array ? "array, " : "grid, ") + std::to_string(boxes) + " boxes",
          [&backend, boxes, as_array](const std::string& name) { return Assignment(backend, name, boxes, as_array); });
    }
  }
  for (const int64_t count : {1000, 10000}) {
    add("nms, " + std::to_string(count) + " boxes",
        [&backend, count](const std::string& name) { return Nms(backend, name, count); });
  }
  return cases;
}

}  // namespace rn::bench
