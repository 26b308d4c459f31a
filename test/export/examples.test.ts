// The examples that run exported detectors: a server on ONNX, a page with stock TensorFlow.js.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import {
  detect,
  exportOnnx,
  exportTfjs,
  useNativeBackend,
  type Detections,
  type RetinaNet,
  type RetinaNetMetadata,
} from 'retinanet-ops/retinanet';
import { chromium, inBrowser } from '../support/chromium.js';
import { outputsOf, randomImages, randomNet } from './nets.js';

const [imageWidth, imageHeight] = [96, 64];
const folder = mkdtempSync(join(tmpdir(), 'retinanet-ops-'));
const selection = { scoreThreshold: 0.3, maxDetections: 40 };
let net: RetinaNet;
let pixels: Uint8Array;
let picture: Buffer;
let expected: Detections;

test.before(async () => {
  await useNativeBackend();
  net = randomNet({ imageHeight, imageWidth, numClasses: 2, classNames: ['cat', 'dog'], subnetDepth: 1 });
  pixels = randomImages(net, 1);
  expected = await detect(net, pixels, selection);
  picture = await sharp(pixels, { raw: { width: imageWidth, height: imageHeight, channels: 3 } })
    .png()
    .toBuffer();
  await exportTfjs(net, join(folder, 'model'), selection);
  await exportOnnx(net, join(folder, 'detector.onnx'), { outputs: 'detections', ...selection });
});
test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Found {
  box: number[];
  score: number;
  label: number;
}

function same(t: ExecutionContext, found: Found[]): void {
  t.true(expected.labels.length > 5);
  t.deepEqual(found.map(({ label }) => label), [...expected.labels]); // prettier-ignore
  for (const [i, { box, score }] of found.entries()) {
    t.true(Math.abs(score - expected.scores[i]!) < 1e-4, `score ${String(i)}`);
    for (const [k, edge] of box.entries())
      t.true(Math.abs(edge - expected.boxes[4 * i + k]!) < 1e-3, `box ${String(i)}`);
  }
}

test('the function that decodes in a page finds what Node.js finds', async (t) => {
  type Decode = (logits: Float32Array, deltas: Float32Array, metadata: RetinaNetMetadata) => Found[];
  const { decode } = (await import(pathToFileURL('examples/browser/decode.js').href)) as { decode: Decode };
  const { userDefinedMetadata } = JSON.parse(readFileSync(join(folder, 'model', 'model.json'), 'utf8')) as {
    userDefinedMetadata: RetinaNetMetadata;
  };
  const [logits, deltas] = outputsOf(net, pixels);
  same(t, decode(logits!, deltas!, userDefinedMetadata));
});

test('the server finds what Node.js finds, in a picture of any size, and refuses what is none', async (t) => {
  const server = spawn(process.execPath, [
    'examples/onnx-server.js',
    join(folder, 'detector.onnx'),
    `${imageWidth}x${imageHeight}`,
    '0',
  ]);
  t.teardown(() => server.kill());
  const [url] = (await once(createInterface(server.stdout), 'line')) as [string];
  const post = (body: Buffer) => fetch(url, { method: 'POST', body: new Uint8Array(body) });
  same(t, (await (await post(picture)).json()) as Found[]);
  const large = await sharp(picture)
    .resize(3 * imageWidth, 3 * imageHeight, { kernel: 'nearest' })
    .png()
    .toBuffer();
  const found = (await (await post(large)).json()) as Found[];
  t.true(found.some(({ box }) => box[2]! > imageWidth && box[2]! <= 3 * imageWidth));
  t.is((await post(Buffer.from('no picture'))).status, 400);
});

/** The page with TensorFlow.js from node_modules instead of the network, its model and a picture. */
async function serve(): Promise<Server> {
  const builds = ['core/dist/tf-core', 'backend-cpu/dist/tf-backend-cpu', 'layers/dist/tf-layers'];
  const tf = builds.map((path) => readFileSync(`node_modules/@tensorflow/tfjs-${path}.min.js`, 'utf8')).join('\n;');
  const page = readFileSync('examples/browser/index.html', 'utf8').replace(/https:\/\/[^"]*tf\.min\.js/, 'tf.js');
  const content = new Map<string, [type: string, () => string | Buffer]>([
    ['/index.html', ['text/html', () => page]],
    ['/decode.js', ['text/javascript', () => readFileSync('examples/browser/decode.js')]],
    ['/tf.js', ['text/javascript', () => tf]],
    ['/picture.png', ['image/png', () => picture]],
    ['/model/model.json', ['application/json', () => readFileSync(join(folder, 'model', 'model.json'))]],
    ['/model/weights.bin', ['application/octet-stream', () => readFileSync(join(folder, 'model', 'weights.bin'))]],
  ]);
  const server = createServer((request, response) => {
    const [type, read] = content.get(new URL(request.url!, 'http://localhost').pathname) ?? [];
    if (!read) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type }).end(read());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

inBrowser('the page finds in Chromium what Node.js finds', async (t) => {
  t.timeout(120_000);
  const server = await serve();
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${String(port)}/index.html?picture=picture.png`;
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${join(folder, 'browser')}`];
  const { stdout } = await promisify(execFile)(chromium!, [...flags, '--virtual-time-budget=60000', '--dump-dom', url]);
  const [, text = 'nothing'] = /data-found="([^"]*)"/.exec(stdout) ?? [];
  t.not(text, 'nothing', stdout.slice(-2000));
  same(t, JSON.parse(text.replaceAll('&quot;', '"')) as Found[]);
});
