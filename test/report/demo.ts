// A short training on pictures that tests draw, with what a run's folder holds.
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createRetinaNet,
  evaluateDataset,
  openImages,
  trainRetinaNet,
  type AnnotatedBox,
  type AnnotatedDataset,
  type AnnotatedImage,
  type BoxEdges,
  type RetinaNet,
} from 'retinanet-ops/retinanet';
import sharp from 'sharp';
import { random } from '../support/random.js';

const [WIDTH, HEIGHT] = [192, 144];
const COLOURS = ['#d9423a', '#3a7bd9', '#e0a020', '#7a4fd0'];

export interface DemoOptions {
  /** One to four. */
  classes: string[];
  /** Pictures to train on and to validate with. */
  pictures: [train: number, val: number];
  steps: number;
  validateEvery: number;
}

/** Pictures of circles, squares, triangles and rings in the folder, one class each. */
export async function drawDataset(root: string, { classes, pictures }: DemoOptions): Promise<AnnotatedDataset> {
  await mkdir(root, { recursive: true });
  const draw = async (name: string, count: number, seed: number): Promise<AnnotatedImage[]> => {
    const next = random(seed);
    return Promise.all(
      Array.from({ length: count }, (_, i) => drawPicture(root, `${name} & ${String(i)}.png`, classes, next)),
    );
  };
  const splits = {
    train: { images: await draw('train', pictures[0], 1) },
    val: { images: await draw('val', pictures[1], 2) },
    test: { images: [] },
  };
  return { root, format: 'coco', classes, splits, warnings: [] };
}

async function drawPicture(root: string, file: string, classes: string[], next: () => number): Promise<AnnotatedImage> {
  const hue = Math.floor(360 * next());
  const boxes: AnnotatedBox[] = [];
  const shapes: string[] = [];
  for (let i = 0, count = 1 + Math.floor(3.99 * next()); i < count; i++) {
    const k = Math.floor(classes.length * next());
    const side = Math.round(18 + 92 * next() ** 1.5);
    const x = Math.round((WIDTH - side) * next());
    const y = Math.round((HEIGHT - side) * next());
    const box: BoxEdges = [x, y, x + side, y + side];
    if (boxes.some(({ box: other }) => overlaps(box, other))) continue;
    boxes.push({ class: classes[k]!, box, ...(next() < 0.08 && { difficult: true }) });
    shapes.push(shape(k, x, y, side));
  }
  const lines = Array.from({ length: 12 }, () => {
    const [x, y, dx] = [WIDTH * next(), HEIGHT * next(), 60 * (next() - 0.5)];
    return `<line x1="${x}" y1="${y}" x2="${x + dx}" y2="${y + 40}" stroke="hsl(${hue} 20% 45%)" stroke-width="2"/>`;
  });
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">` +
    `<rect width="100%" height="100%" fill="hsl(${hue} 25% 75%)"/>${lines.join('')}${shapes.join('')}</svg>`;
  await sharp(Buffer.from(svg)).png().toFile(join(root, file));
  return { file, width: WIDTH, height: HEIGHT, boxes, ignore: next() < 0.1 ? [[0, 0, 40, 30]] : [] };
}

const overlaps = (a: BoxEdges, b: BoxEdges) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

function shape(kind: number, x: number, y: number, side: number): string {
  const fill = COLOURS[kind]!;
  const half = side / 2;
  if (kind === 0) return `<circle cx="${x + half}" cy="${y + half}" r="${half}" fill="${fill}"/>`;
  if (kind === 1) return `<rect x="${x}" y="${y}" width="${side}" height="${side}" fill="${fill}"/>`;
  if (kind === 2) return `<path d="M${x} ${y + side}l${half} ${-side}l${half} ${side}z" fill="${fill}"/>`;
  return `<circle cx="${x + half}" cy="${y + half}" r="${0.38 * side}" fill="none" stroke="${fill}" stroke-width="${0.24 * side}"/>`;
}

/** Trains, and writes config.json and metrics.jsonl as a run has them. */
export async function trainDemo(folder: string, dataset: AnnotatedDataset, options: DemoOptions): Promise<RetinaNet> {
  const { classes, steps, validateEvery } = options;
  const config = { imageHeight: 96, imageWidth: 128, numClasses: classes.length, classNames: classes };
  const net = createRetinaNet({ ...config, pyramidChannels: 16, subnetDepth: 1, seed: 1 });
  const training = {
    steps,
    batchSize: 8,
    learningRate: 0.003,
    warmupSteps: 20,
    seed: 3,
    augment: { shift: 0.1 },
  };
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({ data: dataset.root, ...config, ...training, patience: null }),
  );
  const file = join(folder, 'metrics.jsonl');
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const write = (entry: object) => appendFile(file, `${JSON.stringify(entry)}\n`);
  const data = openImages(dataset, 'train', net.config);
  await trainRetinaNet(net, data, {
    ...training,
    threads: 2,
    onStep: async ({ step, loss, classLoss, boxLoss, gradientNorm, learningRate, imagesPerSecond }, run) => {
      const numbers = { loss, classLoss, boxLoss, gradientNorm, learningRate, imagesPerSecond };
      await write({ kind: 'step', step, ...numbers, seconds: seconds() });
      if (step % validateEvery > 0) return;
      run.updateModel();
      const { coco } = await evaluateDataset(net, dataset, 'val');
      const { AP, AP50, AP75, APs, APm, APl, AR100 } = coco;
      const each = coco.classes.map((one) => ({ name: one.name, AP: one.AP, AP50: one.AP50 }));
      await write({
        kind: 'validation',
        step,
        seconds: seconds(),
        ...{ AP, AP50, AP75, APs, APm, APl, AR100 },
        classes: each,
      });
    },
  });
  return net;
}

/** What a page shows, and the data of its charts, without its pictures, style and scripts. @throws where a number is none */
export function bodyOf(page: string): string {
  const body = /<body>[^]*?id="report-data">.*?<\/script>/.exec(page)![0].replaceAll(/data:image[^"]*/g, '');
  const wrong = /.{0,80}(NaN|undefined|Infinity|\[object).{0,80}/.exec(body);
  if (wrong) throw new Error(`the page shows ${wrong[0]}`);
  return body;
}
