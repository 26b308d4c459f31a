// Every operation on tensors is the operation on typed arrays, to the bit; so are its gradients on the tape.
import * as tf from '@tensorflow/tfjs-core';
import * as base from 'retinanet-ops';
import * as ops from 'retinanet-ops/tfjs';
import type { Case } from '../operations/driver/case.js';
import { calls, operation } from '../operations/driver/calls.js';
import { everywhere, losses } from '../operations/driver/cases.js';
import { at, put, replacedArrays, type Numbers } from '../operations/driver/trees.js';
import { bits } from '../support/compare.js';
import { onEachBackend } from './support.js';

const tensorOf = (values: Numbers, shape: number[]): tf.Tensor =>
  tf.tensor(values, shape, values instanceof Int32Array ? 'int32' : 'float32');

/** What of a result on tensors is not that on typed arrays, which may be numbers where a tensor is a scalar. */
function differs(got: unknown, want: unknown, name = 'result'): string | null {
  if (got instanceof tf.Tensor) {
    const values = typeof want === 'number' ? Float32Array.of(want) : (want as Numbers);
    const dtype = values instanceof Int32Array ? 'int32' : 'float32';
    if (got.dtype !== dtype) return `${name} is ${got.dtype}`;
    return bits(got.dataSync<'float32'>()) === bits(values) ? null : `${name} has other bits`;
  }
  if (typeof want !== 'object' || want === null) return Object.is(got, want) ? null : `${name} is ${String(got)}`;
  for (const [key, entry] of Object.entries(want)) {
    // The whole loss keeps its gradients for the tape.
    if (key.endsWith('Grad') && !(key in (got as object))) continue;
    const wrong = differs((got as Record<string, unknown>)[key], entry, key);
    if (wrong !== null) return wrong;
  }
  return null;
}

/** The arguments of a call with tensors for arrays. */
function onTensors(c: Case, args: unknown[]): unknown[] {
  const shapes = c.shapes(...args);
  return replacedArrays(args, (array, path) => {
    const shape = shapes[path];
    return shape === undefined ? array : tensorOf(array, shape);
  }) as unknown[];
}

for (const c of everywhere) {
  onEachBackend(`${c.name} on tensors`, (t) => {
    for (const { title, args } of calls(c, c.rows.edges.length)) {
      const got = operation(ops, c.name)(...onTensors(c, args));
      t.is(differs(got, operation(base, c.name)(...args)), null, title);
    }
  });
}

/** The gradient of the sum of what an operation gives, by the operand at a path. */
function onTape(c: Case, args: unknown[], path: string, pick: (result: unknown) => tf.Tensor) {
  const given = onTensors(c, args);
  return tf.grad((moved) => tf.sum(pick(operation(ops, c.name)(...put(given, path, moved)))))(
    at(given, path) as tf.Tensor,
  );
}

for (const { loss, cases: forms } of losses) {
  onEachBackend(`${loss.name}: the gradient on the tape is that of the backward form`, (t) => {
    for (const { title, args } of calls(forms[0], forms[0].rows.edges.length)) {
      const grad = onTape(forms[0], args, '0', (result) => result as tf.Tensor);
      t.is(differs(grad, operation(base, `${loss.name}Backward`)(...args)), null, title);
    }
  });
}

for (const c of everywhere.filter(({ gradients }) => gradients !== undefined)) {
  const { of, by } = c.gradients!;
  onEachBackend(`${c.name}: gradients on the tape are those of the call`, (t) => {
    for (const { title, args } of calls(c, c.rows.edges.length)) {
      const want = operation(base, c.name)(...args) as Record<string, Numbers>;
      for (const [name, path] of Object.entries(by)) {
        const grad = onTape(c, args, path, (result) => (result as Record<string, tf.Tensor>)[of]!);
        t.is(differs(grad, want[name]), null, `${title}: ${name}`);
      }
    }
  });
}
