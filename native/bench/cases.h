// The operations that are timed, each with a check of its result.
#ifndef RETINANET_OPS_BENCH_CASES_H
#define RETINANET_OPS_BENCH_CASES_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "../backend/backend.h"

namespace rn::bench {

struct Case {
  std::string name;
  const char* unit;       // what the time is divided by
  int64_t count;          // so many of them
  int64_t floats_read;    // for the memory limit; 0: memory does not bound it
  int64_t floats_copied;  // read and written
  std::function<void()> run;
  std::function<std::string()> check;  // after a run: empty, or what is wrong
};

// A case is made when its turn comes, so that only one holds memory.
struct CaseMaker {
  std::string name;
  std::function<Case()> make;
};

std::vector<CaseMaker> Cases(const rn_backend& backend, bool quick);

}  // namespace rn::bench

#endif
