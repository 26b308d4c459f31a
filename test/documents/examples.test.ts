// The programs of examples/, each in a process of its own.
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import test from 'ava';

/** What each prints, besides what TensorFlow.js says of itself. */
const PRINTS: Record<string, RegExp> = {
  'cuda.js': /^(CUDA is not usable: [\w-]+|loss \d+\.\d+, gradient \[100000, 80\], \d+ bytes on the device)/,
  'detections.js': /^1 detection: class 1, score 0\.953, box 20, 30, 90, 100\nkept rows: 1, 2\n$/,
  'evaluate.js': /^cat: AP 1\.000 of 1 boxes\ndog: AP 0\.505 of 2 boxes\nmean AP 0\.752\n$/,
  'focal-loss.js': /^loss 0\.0357 over 1 positive anchor\ngradient of the ignored anchor: 0 0 0\n$/,
  'onnx-server.js': /^usage: node examples\/onnx-server\.js DETECTOR\.onnx WIDTHxHEIGHT \[PORT\]\n$/,
  'promises.js':
    /^31 of 196416 anchors are positive, 0 boxes have none\n69 of .*\nERR_BOX: assignAnchors: .* at row 1\n$/,
  'tfjs-minimize.js': /step 0: loss 2\.\d+\n(step \d+: loss .*\n)*step 60: loss 0\.0\d+\n$/,
  'train-detector.js': /mean AP on the training images: (0\.[89]\d|1\.00)\n$/,
  'training-loop.js': /loss 0\.006\d\nclass 0 at 4, 6, 40, 38: 0\.\d+\nclass 1 at 30, 30, 60, 62: 0\.\d+\n$/,
};

async function run(name: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const options = { env: { ...process.env, ...env } };
  return (await promisify(execFile)(process.execPath, [`examples/${name}`], options)).stdout;
}

test('every program says here what it prints', (t) => {
  const programs = readdirSync('examples').filter((name) => name.endsWith('.js'));
  t.deepEqual(Object.keys(PRINTS), programs.sort());
});

for (const [name, wanted] of Object.entries(PRINTS)) {
  test.serial(`${name} runs`, async (t) => {
    t.regex(await run(name), wanted);
  });
}

const emulated = process.platform === 'linux' ? test.serial : test.serial.skip;
emulated('cuda.js runs on a device', async (t) => {
  const stdout = await run('cuda.js', { RETINANET_OPS_CUDA_LIBRARY: 'build/Release/retinanet_ops_cuda_emulated.so' });
  t.regex(stdout, /^loss (\d+\.\d+), gradient \[100000, 80\], 64\d{6} bytes on the device\n$/);
});
