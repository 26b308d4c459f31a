// What loading costs: prints the size of a file of weights and the memory before and at the most, as JSON.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createRetinaNet, loadWeights, saveWeights, useNativeBackend } from 'retinanet-ops/retinanet';
import { peak } from './peak.js';

const [file, step] = process.argv.slice(2) as [string, string?];
await useNativeBackend();
const net = createRetinaNet({ preset: 'resnet50-fpn', numClasses: 91, imageHeight: 32, imageWidth: 32 });
if (step === undefined) {
  await saveWeights(net, file);
  // A process of its own: what made the file is not counted.
  const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), file, 'load'], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  const beforeBytes = peak();
  await loadWeights(net, file);
  process.stdout.write(`${JSON.stringify({ fileBytes: statSync(file).size, beforeBytes, peakBytes: peak() })}\n`);
}
