import type { Case, Settings } from '../case.js';
import { assignCases } from './assign.js';
import { convolutionCases } from './convolution.js';
import { depthwiseCases } from './depthwise.js';
import { detectionCases } from './detections.js';
import { focalLossCases } from './focal-loss.js';
import { plainCallCases } from './plain-calls.js';
import { retinanetLossCases } from './retinanet-loss.js';

export function allCases(settings: Settings): Case[] {
  return [
    focalLossCases,
    assignCases,
    retinanetLossCases,
    detectionCases,
    convolutionCases,
    depthwiseCases,
    plainCallCases,
  ].flatMap((cases) => cases(settings));
}
