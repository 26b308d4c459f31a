import type { Settings } from './case.js';
import type { Torchvision } from './peers/torchvision.js';

export async function plotGrowth(_settings: Settings, _torchvision: Torchvision): Promise<string> {
  return 'not yet';
}
