// `retinanet-ops export`
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import {
  createRetinaNet,
  exportOnnx,
  loadRetinaNet,
  saveRetinaNet,
  useNativeBackend,
  type RetinaNetMetadata,
} from 'retinanet-ops/retinanet';

const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
const model = join(folder, 'model');
test.before(async () => {
  await useNativeBackend();
  const size = { imageHeight: 32, imageWidth: 32, pyramidChannels: 8, subnetDepth: 0 };
  await saveRetinaNet(createRetinaNet({ numClasses: 2, classNames: ['cat', 'dog'], ...size }), model);
});
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

function run(...args: string[]) {
  return spawnSync(process.execPath, ['dist/cli/main.js', 'export', ...args], { encoding: 'utf8' });
}

test('onnx: the file that exportOnnx writes, where it says', async (t) => {
  const file = join(folder, 'detector.onnx');
  const flags = ['--precision', 'float16', '--outputs', 'detections', '--score', '0.25', '--iou-threshold', '0.4'];
  const { stdout, status } = run(model, '--format', 'onnx', '--out', file, ...flags, '--max-detections', '9');
  t.deepEqual([status, stdout], [0, `${file}\n`]);
  const expected = join(folder, 'expected.onnx');
  const selection = { scoreThreshold: 0.25, iouThreshold: 0.4, maxDetections: 9 };
  await exportOnnx(await loadRetinaNet(model), expected, { precision: 'float16', outputs: 'detections', ...selection });
  t.deepEqual(readFileSync(file), readFileSync(expected));
});

test('tfjs: a folder with the thresholds, beside the model by default', (t) => {
  const { stdout, status } = run(model, '--format', 'tfjs', '--score', '0.5', '--json');
  t.is(status, 0);
  const output = join(model, 'tfjs');
  t.deepEqual(JSON.parse(stdout), { format: 'tfjs', output });
  const { userDefinedMetadata: metadata } = JSON.parse(readFileSync(join(output, 'model.json'), 'utf8')) as {
    userDefinedMetadata: RetinaNetMetadata;
  };
  t.deepEqual([metadata.selection?.scoreThreshold, metadata.classNames], [0.5, ['cat', 'dog']]);
});

for (const [what, args, wanted] of [
  ['a folder without a model', [folder, '--format', 'tfjs'], /^retinanet-ops: .*model\.json.*\n$/],
  [
    'a threshold out of range',
    [model, '--format', 'onnx', '--score', '3'],
    /^retinanet-ops: .*scoreThreshold, received 3\n$/,
  ],
  ['a threshold that is no number', [model, '--format', 'onnx', '--score', 'x'], /--score/],
  [
    'weights of a type that tfjs has not',
    [model, '--format', 'tfjs', '--precision', 'float16'],
    /tfjs .*--precision\n$/,
  ],
  ['a threshold for bare weights', [model, '--format', 'safetensors', '--score', '0.5'], /received --score\n$/],
  ['another format', [model, '--format', 'pb'], /Allowed choices are tfjs, onnx/],
] as const) {
  test(`${what} is refused`, (t) => {
    const { stdout, stderr, status } = run(...args);
    t.deepEqual([status, stdout], [1, '']);
    t.regex(stderr, wanted);
  });
}
