// Compiled once for every instruction set, with RN_ISA its name. Nothing here may call an inline function of another
// header that leaves a symbol (the standard library's templates do): the linker keeps one copy for all.
#include "kernels.h"

#include "assign.h"
#include "convolution.h"
#include "depthwise.h"
#include "elementwise.h"
#include "focal_loss.h"
#include "nms.h"
#include "optimizer.h"
#include "pixels.h"
#include "reduce.h"
#include "regression_loss.h"

#define RN_STRING_OF(name) #name
#define RN_STRING(name) RN_STRING_OF(name)

namespace rn::cpu::RN_ISA {

extern const Kernels kKernels;

const Kernels kKernels = {
    RN_STRING(RN_ISA),
    {
        {FocalLossOfSpan<kHard, kGamma0>, FocalLossOfSpan<kHard, kGamma1>, FocalLossOfSpan<kHard, kGamma2>,
         FocalLossOfSpan<kHard, kGammaReal>},
        {FocalLossOfSpan<kSoft, kGamma0>, FocalLossOfSpan<kSoft, kGamma1>, FocalLossOfSpan<kSoft, kGamma2>,
         FocalLossOfSpan<kSoft, kGammaReal>},
        {FocalLossOfSpan<kDense, kGamma0>, FocalLossOfSpan<kDense, kGamma1>, FocalLossOfSpan<kDense, kGamma2>,
         FocalLossOfSpan<kDense, kGammaReal>},
    },
    OverlapsKept,
    FindAtLeast,
    {HighestIou<AnchorList>, Compete<AnchorList>, FindIou<AnchorList>, FindCovered<AnchorList>},
    {HighestIou<GridRun>, Compete<GridRun>, FindIou<GridRun>, FindCovered<GridRun>},
    {
#define RN_REGRESSION(KIND, name, Formula, width) RegressionLossOfRows<Formula>,
#include "../../backend/regressions.def"
    },
    MakeConvolutionKernels(),
    MakeDepthwiseKernels(),
    kElementwise,
    kReduce,
    kPixels,
    AdamOfWeights,
};

}  // namespace rn::cpu::RN_ISA
