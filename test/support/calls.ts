// A valid call of every operation, to be spoilt one argument at a time.
import * as sync from 'retinanet-ops';

/** Both forms of the package share these names; arguments are deliberately untyped. */
export type Operation =
  | 'sigmoidFocalLoss'
  | 'sigmoidFocalLossBackward'
  | 'sigmoidFocalLossValueAndGrad'
  | 'smoothL1Loss'
  | 'smoothL1LossBackward'
  | 'smoothL1LossValueAndGrad'
  | 'assignAnchors'
  | 'assignAnchorsBatch'
  | 'encodeBoxes'
  | 'decodeBoxes'
  | 'clipBoxes'
  | 'boxIou'
  | 'nms'
  | 'decodeDetections'
  | 'retinanetLoss'
  | 'selectHardNegatives'
  | 'onlineHardExamples';

export type Call = (...args: unknown[]) => unknown;

export function operation(from: object, name: string): Call {
  const found = (from as Record<string, unknown>)[name];
  if (typeof found !== 'function') throw new TypeError(`no operation ${name}`);
  return found as Call;
}

export const f32 = (...values: number[]): Float32Array => Float32Array.from(values);
export const i32 = (...values: number[]): Int32Array => Int32Array.from(values);

/** Two images, three anchors, two classes, one object in each image. */
export function validArguments(name: Operation): unknown[] {
  const logits = f32(0.5, -1, 2, -3, 0.25, 1);
  const labels = i32(1, -1, -2);
  const anchors = f32(0, 0, 10, 10, 5, 5, 20, 25, 30, 30, 38, 44);
  const boxes = f32(0, 0, 9, 10, 6, 5, 21, 22);
  const groundTruth = { boxes, labels: i32(1, 0), offsets: i32(0, 1, 2) };
  const deltas = f32(0.1, 0.2, -0.1, 0.3, 0, 0, 0.5, -0.5, 1, -1, 0.2, 0.1);
  const outputs = { classLogits: f32(...logits, ...logits), boxDeltas: f32(...deltas, ...deltas), anchors };
  switch (name) {
    case 'sigmoidFocalLoss':
    case 'sigmoidFocalLossBackward':
    case 'sigmoidFocalLossValueAndGrad':
      return [logits, labels, {}];
    case 'smoothL1Loss':
    case 'smoothL1LossBackward':
    case 'smoothL1LossValueAndGrad':
      return [deltas, new Float32Array(12), {}];
    case 'assignAnchors':
      return [anchors, boxes, i32(1, 0), {}];
    case 'assignAnchorsBatch':
      return [anchors, groundTruth, {}];
    case 'encodeBoxes':
      return [anchors, f32(...boxes, 3, 3, 30, 30), {}];
    case 'decodeBoxes':
      return [anchors, deltas, {}];
    case 'clipBoxes':
      return [boxes, { height: 8, width: 16 }];
    case 'boxIou':
      return [anchors, boxes, {}];
    case 'nms':
      return [anchors, f32(0.5, 0.25, 0.75), {}];
    case 'decodeDetections':
      return [{ ...outputs, imageHeight: 40, imageWidth: 40 }];
    case 'retinanetLoss':
      return [{ ...outputs, groundTruth }];
    case 'selectHardNegatives':
      return [f32(0.5, 3, 1), i32(1, -1, -1), {}];
    case 'onlineHardExamples':
      return [f32(0.5, 3, 1), anchors, { count: 2 }];
  }
}

export const operations = Object.keys(sync).filter(
  (name) =>
    ![
      'AnchorGrid',
      'RetinanetOpsError',
      'backendInfo',
      'cuda',
      'getBackend',
      'setBackend',
      'setNumThreads',
      'priorBias',
    ].includes(name),
) as Operation[];

/** A typed array whose buffer has gone to somebody else. */
export function detached<T extends ArrayBufferView>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}
