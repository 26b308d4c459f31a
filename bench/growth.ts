// How time grows with the anchors and with the boxes, measured and drawn (`npm run bench -- --plot`).
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AnchorGrid, assignAnchors, setNumThreads, sigmoidFocalLossValueAndGrad, type Anchors } from 'retinanet-ops';
import { Progress } from '#lib/cli/progress.js';
import { focalInputs } from '../test/operations/inputs/focal-loss.js';
import { integers, random } from '../test/support/random.js';
import type { Peer, Settings } from './case.js';
import { boxesOfImage, IMAGE } from './cases/assign.js';
import { drawGrowth, type Point } from './growth-plot.js';
import { measure } from './measure.js';
import { assignPeers } from './peers/assign.js';
import { focalPeers } from './peers/focal-loss.js';
import type { Torchvision } from './peers/torchvision.js';

const CLASSES = 80;
/** Elements of the matrix of overlaps up to which the peers are asked: it takes them seconds. */
const MOST_OVERLAPS = 7e7;

interface Task {
  panel: Point['panel'];
  x: number;
  prepare: () => { own: [string, () => void][]; peers: Peer[] };
}

function assignTask(
  panel: Point['panel'],
  x: number,
  size: typeof IMAGE,
  boxCount: number,
  [settings, torchvision]: [Settings, Torchvision],
): Task {
  const prepare: Task['prepare'] = () => {
    const grid = new AnchorGrid(size);
    const rows = grid.boxes();
    const next = random(boxCount);
    const boxes = boxesOfImage(next, boxCount, size);
    const labels = integers(next, boxCount, 0, CLASSES);
    const out = { labels: new Int32Array(grid.count), matches: new Int32Array(grid.count) };
    const run = (anchors: Anchors) => () => {
      assignAnchors(anchors, boxes, labels, { out });
    };
    const peers = assignPeers(
      rows,
      boxes,
      labels,
      () => assignAnchors(grid, boxes, labels).matches,
      settings,
      torchvision,
    );
    const feasible = grid.count * boxCount <= MOST_OVERLAPS;
    return {
      own: [
        ['AnchorGrid', run(grid)],
        ['anchor array', run(rows)],
      ],
      peers: peers.filter(({ name }) => feasible && name === 'torchvision'),
    };
  };
  return { panel, x, prepare };
}

function focalTask(anchors: number, [settings, torchvision]: [Settings, Torchvision]): Task {
  const prepare: Task['prepare'] = () => {
    const inputs = focalInputs(random(1), { name: 'gamma 2' }, anchors, CLASSES);
    const { logits, targets, options } = inputs;
    const out = new Float32Array(logits.length);
    const run = () => {
      sigmoidFocalLossValueAndGrad(logits, targets, { ...options, out });
    };
    const peers = focalPeers(inputs, true, settings, torchvision).filter(({ name }) => name === 'torchvision');
    return { own: [['focal loss', run]], peers };
  };
  return { panel: 'focal', x: anchors, prepare };
}

async function measurePoints(settings: Settings, torchvision: Torchvision): Promise<Point[]> {
  const needs: [Settings, Torchvision] = [settings, torchvision];
  const sides = [128, 256, 512, 800, 1200, 1800];
  const tasks = [
    ...sides.map((side) => {
      const size = { imageHeight: side, imageWidth: side };
      return assignTask('anchors', new AnchorGrid(size).count, size, 50, needs);
    }),
    ...[1, 3, 10, 30, 100, 300, 1000, 2000].map((count) => assignTask('boxes', count, IMAGE, count, needs)),
    ...[1000, 3000, 10_000, 30_000, 100_000, 200_000].map((count) => focalTask(count, needs)),
  ];
  const progress = new Progress('growth', tasks.length, process.stdout);
  const points: Point[] = [];
  for (const [i, { panel, x, prepare }] of tasks.entries()) {
    const { own, peers } = prepare();
    for (const [series, run] of own) points.push({ panel, series, x, ms: measure(run, settings.budget).best });
    for (const { name, measure: measurePeer } of peers) {
      const timing = await measurePeer(settings.threads);
      if (timing) points.push({ panel, series: name, x, ms: timing.best });
    }
    progress.update(i + 1);
  }
  progress.stop();
  return points;
}

/** Where the picture and its numbers are. */
export async function plotGrowth(settings: Settings, torchvision: Torchvision): Promise<string> {
  setNumThreads(settings.threads);
  const points = await measurePoints({ ...settings, budget: settings.quick ? 0.05 : 0.4 }, torchvision);
  const [picture, numbers] = [join('bench', 'growth.png'), join('bench', 'results', 'growth.json')];
  mkdirSync(join('bench', 'results'), { recursive: true });
  writeFileSync(picture, await drawGrowth(points));
  writeFileSync(numbers, JSON.stringify(points, null, 2) + '\n');
  return `${picture}\n${numbers}`;
}
