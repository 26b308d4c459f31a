// The same calls with arrays of the caller's and without: what memory for the results costs. The mean of many calls in a row, in
// which garbage collection has its part.
import { AnchorGrid, assignAnchors, sigmoidFocalLossValueAndGrad } from 'retinanet-ops';
import { focalInputs } from '../../test/operations/inputs/focal-loss.js';
import { mismatch } from '../../test/support/compare.js';
import { integers, random } from '../../test/support/random.js';
import { fail, type Case, type Settings } from '../case.js';
import { boxesOfImage, IMAGE } from './assign.js';

type Arrays = (Float32Array | Int32Array)[];

/** `prepare` gives a call that returns its large results: in `out` where that is true. */
function twoCases(name: string, calls: number, prepare: () => (out: boolean) => Arrays): Case[] {
  return [true, false].map((out) => ({
    name: `${name}, ${out ? 'into arrays of the caller' : 'plain'}`,
    prepare: () => {
      const call = prepare();
      let results: Arrays = [];
      return {
        unit: 'call',
        count: calls,
        run: () => {
          for (let i = 0; i < calls; i++) results = call(out);
        },
        check: () => {
          const wanted = call(!out);
          const wrong = results.map((values, i) => mismatch(values, wanted[i]!)).find((found) => found);
          if (wrong) fail(`${name}: ${wrong}`);
        },
      };
    },
  }));
}

function focalLoss(): (out: boolean) => Arrays {
  const { logits, targets } = focalInputs(random(1), { name: 'gamma 2' }, 20_000, 80);
  const given = new Float32Array(logits.length);
  return (out) => [
    sigmoidFocalLossValueAndGrad(logits, targets, { numClasses: 80, ...(out ? { out: given } : {}) }).grad,
  ];
}

function assignment(): (out: boolean) => Arrays {
  const grid = new AnchorGrid(IMAGE);
  const next = random(50);
  const boxes = boxesOfImage(next, 50);
  const labels = integers(next, 50, 0, 80);
  const given = { labels: new Int32Array(grid.count), matches: new Int32Array(grid.count) };
  return (out) => {
    const result = assignAnchors(grid, boxes, labels, out ? { out: given } : {});
    return [result.labels, result.matches];
  };
}

export function plainCallCases({ quick }: Settings): Case[] {
  const calls = quick ? 100 : 1000;
  return [
    ...twoCases('focal loss + gradient of 20,000 x 80', calls, focalLoss),
    ...twoCases('assignment, grid, 50 boxes', calls, assignment),
  ];
}
