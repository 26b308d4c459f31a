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

// A number near the exact one, of those that are no further from it than `most` units of its last place the one that is
// furthest to the wanted side. The same for the same number every time, as hardware is.
float Near(double exact, int most) {
  const Choice& choice = TheChoice();
  const float rounded = static_cast<float>(exact);
  if (!std::isnormal(rounded)) return Flush(rounded);
  const unsigned bits = __float_as_uint(rounded);
  const int side = choice.random ? static_cast<int>(bits * 2654435761u >> 16) % 3 - 1 : choice.units;
  const double nearest = static_cast<double>(rounded), unit = std::ldexp(1.0, std::ilogb(rounded) - (FLT_MANT_DIG - 1));
  int units = side * most;
  if (std::fabs(nearest + units * unit - exact) > most * unit) units -= side;
  return Flush(static_cast<float>(nearest + units * unit));
}

}  // namespace

// As exact as the PTX manual says: to 1 unit, and to a relative 2^-22.
float NearReciprocal(float a) { return Near(1 / static_cast<double>(Flush(a)), 1); }
float NearExp2(float a) { return Near(std::exp2(static_cast<double>(Flush(a))), 2); }

}  // namespace emulator
