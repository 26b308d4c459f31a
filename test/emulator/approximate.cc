// Instructions whose last bit is the hardware's choice: RETINANET_OPS_EMULATOR_ULP chooses.
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "device_functions.h"

namespace emulator {
namespace {

struct Choice {
  bool random;
  int units;
};

const Choice& TheChoice() {
  static const Choice choice = [] {
    const char* wanted = std::getenv("RETINANET_OPS_EMULATOR_ULP");
    return Choice{wanted && std::strcmp(wanted, "random") == 0, wanted ? std::atoi(wanted) : 0};
  }();
  return choice;
}

float Flush(float a) { return std::fabs(a) < FLT_MIN ? std::copysign(0.0f, a) : a; }

// The same for the same result every time, as hardware is.
float Miss(float rounded, int scale) {
  const Choice& choice = TheChoice();
  if (!std::isfinite(rounded) || rounded == 0) return rounded;
  const unsigned bits = __float_as_uint(rounded);
  const int units = choice.random ? static_cast<int>(bits * 2654435761u >> 16) % 3 - 1 : choice.units;
  return Flush(__uint_as_float(bits + static_cast<unsigned>(units * scale)));
}

}  // namespace

float NearReciprocal(float a) { return Miss(Flush(1.0f / Flush(a)), 1); }
float NearExp2(float a) { return Miss(Flush(std::exp2(Flush(a))), 2); }

}  // namespace emulator
