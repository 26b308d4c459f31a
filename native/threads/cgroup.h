// The CPU time that Linux's control groups grant this process.
#ifndef RETINANET_OPS_CGROUP_H
#define RETINANET_OPS_CGROUP_H

#include <string>

namespace rn {

// In cores: the least of what its group and the groups around it grant, in version 1 and 2; 0 where nothing limits it.
// `root` comes before /proc and every mount point: "" but in tests.
double CgroupCores(const std::string& root);

}  // namespace rn

#endif
