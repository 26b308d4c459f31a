// A saved detector for the time of a command.
import { Option, type Command } from 'commander';
import { setNumThreads } from '../runtime/backend.js';
import type { RetinaNet } from '../retinanet/model/net.js';
import { loadPeers } from './net.js';
import { toNumber } from './values.js';

/** Flags of commands that run a network. */
export interface NetFlags {
  batchSize?: number;
  backend: 'native' | 'wasm' | 'cpu';
  threads?: number;
}

/** What commands say of the detector that they take. */
export const MODEL_ARGUMENT = "a saved detector: its folder, or a file of weights (.safetensors, torchvision's .pth)";

export function addNetOptions(command: Command): Command {
  const backends = new Option('--backend <name>', 'what the network runs on').choices(['native', 'wasm', 'cpu']);
  return command
    .option('--batch-size <number>', 'pictures that go through the network at once (default: 8)', toNumber)
    .addOption(backends.default('native'))
    .option('--threads <number>', 'of the native backend (default: all cores)', toNumber);
}

/**
 * Loads a detector, and frees it when it has been used.
 *
 * @param model the folder of model.json, or a file of weights
 * @throws RetinanetOpsError as loadPeers and loadDetector
 */
export async function withNet<T>(
  command: string,
  model: string,
  { backend, threads }: NetFlags,
  use: (net: RetinaNet) => Promise<T>,
): Promise<T> {
  const { loadDetector, useNativeBackend, useWasmBackend } = await loadPeers(command, 'sharp');
  if (threads !== undefined) setNumThreads(threads);
  await (backend === 'wasm' ? useWasmBackend() : useNativeBackend());
  const net = await loadDetector(model);
  try {
    return await use(net);
  } finally {
    net.dispose();
  }
}
