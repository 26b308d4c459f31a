// From torchvision and back, where Debian's python3-torchvision is.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createRetinaNet, loadWeights, saveWeights, useNativeBackend } from 'retinanet-ops/retinanet';

const PYTHON = '/usr/bin/python3';
const python = (...args: string[]) => spawnSync(PYTHON, args, { encoding: 'utf8' });
const isThere = python('-c', 'import torchvision').status === 0;
const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

(isThere ? test : test.skip)("every weight of torchvision's RetinaNet comes, and goes back as it was", async (t) => {
  await useNativeBackend();
  const script = 'test/weights/detector.py';
  const [file, back] = [join(folder, 'checkpoint.pth'), join(folder, 'back.safetensors')];
  const made = python(script, 'write', file);
  t.is(made.status, 0, made.stderr);
  using net = createRetinaNet({
    ...{ preset: 'resnet50-fpn', backbone: 'resnet18' },
    ...{ numClasses: 4, imageHeight: 32, imageWidth: 32 },
  });
  const { loaded, leftAtPrior, missing, unused } = await loadWeights(net, file);
  t.deepEqual([leftAtPrior, missing, unused], [[], [], []]);
  t.is(loaded.length, net.model.weights.length - 4);
  await saveWeights(net, back);
  const compared = python(script, 'compare', file, back);
  t.is(compared.status, 0, compared.stderr);
});
