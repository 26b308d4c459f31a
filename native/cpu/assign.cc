// Anchor assignment: torchvision.models.detection._utils.Matcher over a batch, without ever holding an anchors x boxes
// matrix. A grid and a list of anchors are searched in different ways.
#include "assignment.h"
#include "cpu_backend.h"
#include "status.h"

namespace rn::cpu {

rn_status Assign(const rn_assign* args) {
  return Guarded([&] {
    Assignment assignment(*args);
    if (args->anchors.boxes) {
      AssignOnList(assignment);
    } else {
      AssignOnGrid(assignment);
    }
    assignment.Finish();
  });
}

}  // namespace rn::cpu
