#include "cgroup.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace rn {
namespace {

// Empty where there is no such file.
std::string ReadFile(const std::string& path) {
  std::string text;
  if (FILE* file = std::fopen(path.c_str(), "r")) {
    char part[4096];
    for (size_t count; (count = std::fread(part, 1, sizeof part, file)) > 0;) text.append(part, count);
    std::fclose(file);
  }
  return text;
}

std::vector<std::string> Split(const std::string& text, char separator, size_t most = SIZE_MAX) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (size_t end; parts.size() + 1 < most && (end = text.find(separator, start)) != std::string::npos;
       start = end + 1) {
    parts.push_back(text.substr(start, end - start));
  }
  parts.push_back(text.substr(start));
  return parts;
}

bool Lists(const std::string& names, const std::string& name) {
  const std::vector<std::string> all = Split(names, ',');
  return std::find(all.begin(), all.end(), name) != all.end();
}

// The group of this process in the hierarchy of version 2, or of the cpu controller of version 1.
std::string GroupOf(const std::string& groups, bool version2) {
  for (const std::string& line : Split(groups, '\n')) {  // hierarchy:controllers:path
    const std::vector<std::string> fields = Split(line, ':', 3);
    if (fields.size() == 3 && (version2 ? fields[0] == "0" && fields[1].empty() : Lists(fields[1], "cpu"))) {
      return fields[2];
    }
  }
  return "";
}

// What one group's own files grant.
double GrantOf(const std::string& folder, bool version2) {
  std::string quota, period;
  if (version2) {  // "150000 100000", or "max 100000"
    const std::vector<std::string> fields = Split(ReadFile(folder + "/cpu.max"), ' ');
    if (fields.size() != 2) return 0;
    quota = fields[0];
    period = fields[1];
  } else {  // -1 where there is no limit
    quota = ReadFile(folder + "/cpu.cfs_quota_us");
    period = ReadFile(folder + "/cpu.cfs_period_us");
  }
  const double time = std::atof(quota.c_str()), of = std::atof(period.c_str());
  return time > 0 && of > 0 ? time / of : 0;
}

}  // namespace

double CgroupCores(const std::string& root) {
  const std::string groups = ReadFile(root + "/proc/self/cgroup");
  double least = 0;
  for (const std::string& line : Split(ReadFile(root + "/proc/self/mountinfo"), '\n')) {
    // id parent device root mount-point options ... - type source options-of-the-hierarchy
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> mount = Split(line.substr(0, dash), ' '), type = Split(line.substr(dash + 3), ' ');
    if (mount.size() < 5 || type.size() < 3) continue;
    const bool version2 = type[0] == "cgroup2";
    if (!version2 && !(type[0] == "cgroup" && Lists(type[2], "cpu"))) continue;
    // The group below the part of the hierarchy that is mounted; in a container that part may be the group itself.
    std::string group = GroupOf(groups, version2);
    const std::string mounted = mount[3] == "/" ? "" : mount[3];
    const bool below = group.compare(0, mounted.size(), mounted) == 0;
    group = below ? group.substr(mounted.size()) : "";
    const std::string base = root + mount[4];
    for (;;) {
      std::string folder = base;
      folder += group;
      const double grant = GrantOf(folder, version2);
      if (grant > 0) least = least > 0 ? std::min(least, grant) : grant;
      const size_t slash = group.rfind('/');
      if (slash == std::string::npos) break;
      group.resize(slash);
    }
  }
  return least;
}

}  // namespace rn
