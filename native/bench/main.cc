// Checks and times the operations without Node. retinanet_bench --help says how.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <string>

#include "../backend/registry.h"
#include "../threads/thread_pool.h"
#include "cases.h"
#include "limits.h"
#include "timing.h"

namespace rn::bench {
namespace {

struct Options {
  bool quick = false, fma_peak = false;
  std::string only, json;
  int64_t limits_bytes = 0;
};

constexpr char kHelp[] =
    "retinanet_bench [options]\n"
    "  --quick          smaller inputs, shorter runs\n"
    "  --only TEXT      only cases whose name contains TEXT\n"
    "  --threads N      default: the cores this process may use\n"
    "  --json FILE      writes the rows there as well\n"
    "  --limits BYTES   only measures the memory: ns a float32, read and copied\n"
    "  --fma-peak       only measures arithmetic: GFLOP/s of float32 in registers\n";

bool Parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--quick") {
      options->quick = true;
      continue;
    }
    if (name == "--fma-peak") {
      options->fma_peak = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const char* value = argv[++i];
    if (name == "--only") {
      options->only = value;
    } else if (name == "--json") {
      options->json = value;
    } else if (name == "--threads") {
      SetNumThreads(std::atoi(value));
    } else if (name == "--limits") {
      options->limits_bytes = std::atoll(value);
    } else {
      return false;
    }
  }
  return true;
}

// The limit is that of as many bytes, measured once.
const Limits& LimitsOf(int64_t floats, double budget) {
  static std::map<int64_t, Limits> known;
  auto found = known.find(floats);
  if (found == known.end()) found = known.emplace(floats, MeasureLimits(4 * floats, budget)).first;
  return found->second;
}

int Run(const Options& options) {
  const double budget = options.quick ? 0.3 : 2;
  if (options.limits_bytes > 0) {
    const Limits limits = MeasureLimits(options.limits_bytes, budget);
    std::printf("{ \"readNs\": %.5f, \"copyNs\": %.5f }\n", limits.read_ns, limits.copy_ns);
    return 0;
  }
  if (options.fma_peak) {
    std::printf("{ \"gflops\": %.3f }\n", MeasureFmaPeak(budget / 4));
    return 0;
  }
  const BackendState state = FindBackend(BackendId::kCpu);
  if (!state.backend) {
    std::fprintf(stderr, "RETINANET_OPS_CPU names an instruction set that this processor lacks\n");
    return 1;
  }
  const rn_backend& backend = *state.backend;
  std::string rows;
  std::printf("%s, %d thread(s); the best of many runs\n\n%-48s %12s %12s %10s\n", backend.instruction_set,
              NumThreads(), "case", "ms", "ns", "of limit");
  for (const CaseMaker& maker : Cases(backend, options.quick)) {
    if (maker.name.find(options.only) == std::string::npos) continue;
    const Case item = maker.make();
    item.run();
    const std::string wrong = item.check();
    if (!wrong.empty()) {
      std::fprintf(stderr, "%s: wrong result: %s\n", item.name.c_str(), wrong.c_str());
      return 1;
    }
    const Timing timing = Measure(budget, item.run);
    const double ns = timing.best * 1e9 / static_cast<double>(item.count);
    const int64_t floats = item.floats_read + item.floats_copied;
    double limit = 0;
    if (floats > 0) {
      const Limits& limits = LimitsOf(floats, budget);
      limit = item.floats_read > 0 ? limits.read_ns : limits.copy_ns;
    }
    std::printf("%-48s %12.4f %9.4f/%-6s", item.name.c_str(), timing.best * 1e3, ns, item.unit);
    if (limit > 0) std::printf(" %6.0f %%", 100 * limit / ns);
    std::printf("\n");
    std::fflush(stdout);
    char row[512];
    std::snprintf(row, sizeof row,
                  "%s\n    { \"name\": \"%s\", \"threads\": %d, \"unit\": \"%s\", \"count\": %lld, \"bestMs\": %.6f, "
                  "\"medianMs\": %.6f, \"runs\": %d, \"ns\": %.6f, \"limitNs\": %.6f }",
                  rows.empty() ? "" : ",", item.name.c_str(), NumThreads(), item.unit,
                  static_cast<long long>(item.count), timing.best * 1e3, timing.median * 1e3, timing.runs, ns, limit);
    rows += row;
  }
  if (options.json.empty()) return 0;
  FILE* file = std::fopen(options.json.c_str(), "w");
  if (!file) {
    std::fprintf(stderr, "cannot write %s\n", options.json.c_str());
    return 1;
  }
  std::fprintf(file, "{\n  \"instructionSet\": \"%s\",\n  \"rows\": [%s\n  ]\n}\n", backend.instruction_set,
               rows.c_str());
  std::fclose(file);
  return 0;
}

}  // namespace
}  // namespace rn::bench

int main(int argc, char** argv) {
  rn::bench::Options options;
  if (!rn::bench::Parse(argc, argv, &options)) {
    std::fputs(rn::bench::kHelp, stderr);
    return 2;
  }
  try {
    return rn::bench::Run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
