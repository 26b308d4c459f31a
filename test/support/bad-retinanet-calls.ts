// The table of bad calls of 'retinanet-ops/retinanet': every function with every argument spoilt.
// Longer than 250 lines: one table, in which no function may be forgotten; what is particular to some stands in bad-*-calls.ts.
import { join } from 'node:path';
import type { ErrorCode } from 'retinanet-ops';
import type { RetinaNet } from 'retinanet-ops/retinanet';
import { detached, f32, i32 } from './arrays.js';
import { badCocoCalls } from './bad-coco-calls.js';
import { badDataCalls } from './bad-data-calls.js';
import { badDetectionCalls } from './bad-detection-calls.js';
import { badSessionCalls } from './bad-session-calls.js';
import { badReportCalls } from './bad-report-calls.js';
import { badRetinanetData } from './bad-retinanet-data.js';
import { config, goodArguments, goodDataset, pixels, type Name } from './retinanet-calls.js';

export interface BadRetinanetCall {
  name: Name;
  args: unknown[];
  code: ErrorCode;
  message: RegExp;
}

export function badRetinanetCalls(net: RetinaNet, directory: string): BadRetinanetCall[] {
  const rows: BadRetinanetCall[] = [];
  const bad = (name: Name, index: number, value: unknown, code: ErrorCode, message: RegExp): void => {
    const args = goodArguments(net, directory)[name];
    args[index] = value;
    rows.push({ name, args, code, message });
  };
  const noObjects = (name: Name, index: number, argument: string): void => {
    for (const [value, received] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [7, '7'],
      ['net', "'net'"],
      [[], 'an Array'],
      [f32(), 'a Float32Array'],
      [() => 1, 'a function'],
    ] as const) {
      if (argument === 'options' && value === undefined) continue;
      bad(name, index, value, 'ERR_DTYPE', new RegExp(`an object for ${argument}, received ${received}`));
    }
  };
  const noStrings = (name: Name, index: number, argument: string): void => {
    for (const value of [undefined, null, 7, {}, new Uint8Array(2)]) {
      bad(name, index, value, 'ERR_DTYPE', new RegExp(`a string for ${argument}, received`));
    }
  };

  for (const name of ['countParameters'] as const) {
    for (const value of [undefined, null, {}, net, 'model']) {
      bad(name, 0, value, 'ERR_DTYPE', /a LayersModel for model, received/);
    }
  }

  noObjects('createRetinaNet', 0, 'config');
  const ofConfig = (given: object, code: ErrorCode, message: RegExp): void => {
    bad('createRetinaNet', 0, { ...config, ...given }, code, message);
    const spoilt = { ...net, config: { ...net.config, ...given } };
    const there = new RegExp(message.source.replace(/ for (?=[a-zA-Z])/, ' for net\\.config\\.'));
    if (!('numClass' in given)) bad('detect', 0, spoilt, code, there);
  };
  ofConfig({ numClasses: 0 }, 'ERR_RANGE', /an integer in \[1, 100000\] for numClasses, received 0/);
  ofConfig({ numClasses: null }, 'ERR_DTYPE', /an integer for numClasses, received null/);
  ofConfig({ numClasses: undefined }, 'ERR_DTYPE', /an integer for numClasses, received undefined/);
  ofConfig({ imageHeight: NaN }, 'ERR_RANGE', / for imageHeight, received NaN/);
  ofConfig({ imageWidth: 2.5 }, 'ERR_RANGE', / for imageWidth, received 2\.5/);
  ofConfig(
    { preset: 'tiny' },
    'ERR_OPTION',
    /one of 'compact', 'resnet50-fpn', 'torchvision-retinanet' for preset, received 'tiny'/,
  );
  ofConfig({ preset: null }, 'ERR_OPTION', / for preset, received null/);
  ofConfig({ classNames: null }, 'ERR_DTYPE', /an Array of strings for classNames, received null/);
  ofConfig({ classNames: 'ab' }, 'ERR_DTYPE', / for classNames, received 'ab'/);
  ofConfig({ classNames: ['a'] }, 'ERR_SHAPE', /2 elements \(one per class\) for classNames, received 1/);
  ofConfig({ classNames: ['a', 7] }, 'ERR_DTYPE', /a string for classNames, received 7 at row 1/);
  ofConfig({ pyramidLevels: [3] }, 'ERR_RANGE', /the first and the last level.* for pyramidLevels, received \[3\]/);
  ofConfig({ pyramidLevels: null }, 'ERR_DTYPE', / for pyramidLevels, received null/);
  ofConfig({ pyramidLevels: [2, 5] }, 'ERR_RANGE', / for pyramidLevels, received 2 at row 0/);
  ofConfig({ pyramidChannels: 0 }, 'ERR_RANGE', / for pyramidChannels, received 0/);
  ofConfig({ subnetDepth: '2' }, 'ERR_DTYPE', / for subnetDepth, received '2'/);
  ofConfig({ anchorSizeInStrides: 0 }, 'ERR_RANGE', / for anchorSizeInStrides, received 0/);
  ofConfig({ anchorScales: [] }, 'ERR_SHAPE', / for anchorScales, received 0/);
  ofConfig({ anchorScales: [1e-30] }, 'ERR_RANGE', /possible anchors/);
  ofConfig({ aspectRatios: [1, -2] }, 'ERR_RANGE', / for aspectRatios, received -2 at row 1/);
  ofConfig({ aspectRatios: '12' }, 'ERR_DTYPE', / for aspectRatios, received '12'/);
  ofConfig({ priorProbability: 1 }, 'ERR_RANGE', / for priorProbability, received 1/);
  ofConfig({ pixelMean: [1, 2] }, 'ERR_SHAPE', /3 elements \(one per channel\) for pixelMean, received 2/);
  ofConfig({ pixelMean: [1, NaN, 3] }, 'ERR_RANGE', / for pixelMean, received NaN at row 1/);
  ofConfig({ pixelStd: [1, 0, 1] }, 'ERR_RANGE', / for pixelStd, received 0 at row 1/);
  ofConfig({ pixelStd: [1, 1, 1e300] }, 'ERR_RANGE', / for pixelStd, received 1e\+300 at row 2/);
  ofConfig({ batchNorm: false }, 'ERR_OPTION', / for batchNorm, received false/);
  ofConfig({ seed: -1 }, 'ERR_RANGE', / for seed, received -1/);
  ofConfig({ numClass: 2 }, 'ERR_OPTION', /a known option for config, received 'numClass' \(did you mean 'numClasses'/);

  for (const [name, index] of [
    ['detect', 0],
    ['detectFiles', 0],
    ['detectPicture', 0],
    ['evaluateDataset', 0],
    ['exportOnnx', 0],
    ['exportTfjs', 0],
    ['loadWeights', 0],
    ['saveRetinaNet', 0],
    ['saveWeights', 0],
    ['trainRetinaNet', 0],
  ] as const) {
    noObjects(name, index, 'net');
    const { model, anchors } = net;
    bad(name, index, { model, anchors }, 'ERR_DTYPE', /an object for net\.config, received undefined/);
    bad(name, index, { ...net, model: null }, 'ERR_DTYPE', /a LayersModel for net\.model, received null/);
    bad(
      name,
      index,
      { ...net, model: { weights: [] } },
      'ERR_DTYPE',
      /a LayersModel for net\.model, received an object/,
    );
    bad(name, index, { ...net, anchors: null }, 'ERR_SHAPE', /AnchorGrid .* for net\.anchors, received null/);
    bad(name, index, { ...net, anchors: f32(0, 0, 4, 4) }, 'ERR_SHAPE', /net\.anchors, received a Float32Array/);
    const wider = { ...net.config, imageWidth: 32 };
    bad(
      name,
      index,
      { ...net, config: wider },
      'ERR_SHAPE',
      /\[\[null,16,32,3\]\].* for net\.model, .*\[\[null,16,24,3\]\]/,
    );
  }

  for (const [value, received] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [new Array(pixels).fill(0), 'an Array'],
    [new Float32Array(pixels), 'a Float32Array'],
    [new Uint8ClampedArray(pixels), 'a Uint8ClampedArray'],
    [new Uint8Array(pixels).buffer, 'an ArrayBuffer'],
  ] as const) {
    bad('detect', 1, value, 'ERR_DTYPE', new RegExp(`a Uint8Array for images, received ${received}`));
    for (const name of ['pixelStatistics', 'validateDataset'] as const) {
      const images = new RegExp(`a Uint8Array for dataset\\.images, received ${received}`);
      bad(name, 0, { ...goodDataset(), images: value }, 'ERR_DTYPE', images);
    }
  }
  bad('detect', 1, detached(new Uint8Array(pixels)), 'ERR_DTYPE', /images, .*detached/);
  bad(
    'detect',
    1,
    new Uint8Array(pixels + 1),
    'ERR_SHAPE',
    /whole images of 16 x 24 x 3 values for images, received 1153/,
  );
  noObjects('detectPicture', 1, 'picture');
  noObjects('detectPicture', 2, 'options');
  const [width, height] = [24, 16];
  const data = new Uint8Array(pixels);
  bad('detectPicture', 1, { data, width }, 'ERR_DTYPE', /for picture\.height, received undefined/);
  bad('detectPicture', 1, { data, width: 0, height }, 'ERR_RANGE', /for picture\.width, received 0/);
  bad('detectPicture', 1, { data: data.slice(1), width, height }, 'ERR_SHAPE', /for picture\.data, received/);
  ofConfig(
    { shorterSide: 8 },
    'ERR_RANGE',
    /a multiple of 32, since there is a shorterSide for imageHeight, received 16/,
  );
  ofConfig({ freeze: 6 }, 'ERR_RANGE', / for freeze, received 6/);
  noObjects('detect', 2, 'options');
  for (const [given, code, message] of [
    [{ batchSize: 0 }, 'ERR_RANGE', /batchSize, received 0/],
    [{ batchSize: '8' }, 'ERR_DTYPE', /batchSize, received '8'/],
    [{ backend: 'webgl' }, 'ERR_OPTION', /'native', 'wasm', 'cpu'.* for backend, received 'webgl'/],
    [{ backend: null }, 'ERR_OPTION', /backend, received null/],
    [{ scoreThreshold: NaN }, 'ERR_RANGE', /scoreThreshold, received NaN/],
    [{ topK: 0.5 }, 'ERR_RANGE', /topK, received 0\.5/],
    [{ iouThreshold: 2 }, 'ERR_RANGE', /iouThreshold, received 2/],
    [{ maxDetections: null }, 'ERR_DTYPE', /maxDetections, received null/],
    [{ maxDetection: 3 }, 'ERR_OPTION', /'maxDetection' \(did you mean 'maxDetections'/],
  ] as const) {
    bad('detect', 2, given, code, message);
  }
  bad(
    'pixelStatistics',
    0,
    { images: new Uint8Array(4) },
    'ERR_SHAPE',
    /three values per pixel for dataset\.images, received 4/,
  );
  noObjects('pixelStatistics', 0, 'dataset');

  for (const name of ['directoryLoader', 'directorySaver', 'loadRetinaNet'] as const) noStrings(name, 0, 'directory');
  noStrings('saveRetinaNet', 1, 'directory');
  badDataCalls(bad);
  badDetectionCalls(bad, noObjects, directory);
  badSessionCalls(bad, noObjects, directory);
  noStrings('exportTfjs', 1, 'directory');
  noStrings('loadDetector', 0, 'path');
  bad('loadDetector', 1, { freeze: 1 }, 'ERR_OPTION', /none beside a folder, .* for config, received freeze/);
  for (const name of ['exportOnnx', 'loadWeights', 'saveWeights'] as const) noStrings(name, 1, 'file');
  bad('loadWeights', 1, join(directory, 'none.pth'), 'ERR_DATA', /a file that can be read for .*none\.pth, received/);
  bad('loadWeights', 1, directory, 'ERR_DATA', /received a directory/);
  noObjects('saveWeights', 2, 'options');
  bad('saveWeights', 2, { precision: 'int8' }, 'ERR_OPTION', /'float16' for precision, received 'int8'/);
  bad(
    'exportOnnx',
    1,
    directory,
    'ERR_DATA',
    /a file that can be written for .*, received one in which .* is a directory/,
  );
  for (const name of ['exportOnnx', 'exportTfjs'] as const) {
    noObjects(name, 2, 'options');
    bad(name, 2, { scoreThreshold: 2 }, 'ERR_RANGE', /scoreThreshold, received 2/);
    bad(name, 2, { maxDetection: 3 }, 'ERR_OPTION', /'maxDetection' \(did you mean 'maxDetections'/);
  }
  bad(
    'exportOnnx',
    2,
    { precision: 'int8' },
    'ERR_OPTION',
    /one of 'float32', 'float16' for precision, received 'int8'/,
  );
  bad('exportOnnx', 2, { outputs: 'boxes' }, 'ERR_OPTION', /one of 'raw', 'detections' for outputs, received 'boxes'/);
  noStrings('loadImage', 0, 'path');
  for (const [name, index] of [
    ['openImages', 0],
    ['evaluateDataset', 1],
  ] as const) {
    noObjects(name, index, 'dataset');
    noObjects(name, 3, 'options');
  }

  // What is in images, as a data set and as truth.
  noObjects('validateDataset', 0, 'dataset');
  noObjects('trainRetinaNet', 1, 'dataset');
  noObjects('evaluateDetections', 0, 'detections');
  noObjects('evaluateDetections', 1, 'truth');
  badRetinanetData(bad);
  badCocoCalls(bad, noObjects);
  badReportCalls(bad, noObjects, { net, directory });
  noObjects('evaluateDetections', 2, 'options');
  for (const [given, code, message] of [
    [{ iouThresh: 0.9 }, 'ERR_OPTION', /'iouThresh' \(did you mean 'iouThreshold'/],
    [{ iouThreshold: 0 }, 'ERR_RANGE', /\(0, 1\] for iouThreshold, received 0/],
    [{ iouThreshold: '0.5' }, 'ERR_DTYPE', /iouThreshold, received '0\.5'/],
    [{ maxDetections: NaN }, 'ERR_RANGE', /maxDetections, received NaN/],
    [{ maxDetections: 1.5 }, 'ERR_RANGE', /maxDetections, received 1\.5/],
  ] as const) {
    bad('evaluateDetections', 2, given, code, message);
  }

  noObjects('trainRetinaNet', 2, 'options');
  for (const [given, code, message] of [
    [{ steps: 0 }, 'ERR_RANGE', /steps, received 0/],
    [{ steps: null }, 'ERR_DTYPE', /steps, received null/],
    [{ epochs: 2 }, 'ERR_OPTION', /only one of steps, epochs and seconds for epochs, received steps and epochs/],
    [{ steps: undefined, epochs: 0 }, 'ERR_RANGE', /epochs, received 0/],
    [{ steps: undefined, seconds: Infinity }, 'ERR_RANGE', /seconds, received Infinity/],
    [{ prefetch: -1 }, 'ERR_RANGE', /prefetch, received -1/],
    [{ resumeFrom: 7 }, 'ERR_DTYPE', /an object for resumeFrom, received 7/],
    [{ resumeFrom: {} }, 'ERR_DTYPE', /resumeFrom\.step, received undefined/],
    [{ resumeFrom: { step: -1, seconds: 0 } }, 'ERR_RANGE', /resumeFrom\.step, received -1/],
    [{ resumeFrom: { step: 1, seconds: null } }, 'ERR_DTYPE', /resumeFrom\.seconds, received null/],
    [{ resumeFrom: { step: 1, seconds: 0 } }, 'ERR_DTYPE', /resumeFrom\.weights, received undefined/],
    [
      { resumeFrom: { step: 1, seconds: 0, weights: f32(1) } },
      'ERR_SHAPE',
      /per trainable weight .*resumeFrom\.weights, received 1/,
    ],
    [{ batchSize: 1.5 }, 'ERR_RANGE', /batchSize, received 1\.5/],
    [{ learningRate: -1 }, 'ERR_RANGE', /learningRate, received -1/],
    [{ learningRate: Infinity }, 'ERR_RANGE', /learningRate, received Infinity/],
    [{ warmupSteps: -1 }, 'ERR_RANGE', /warmupSteps, received -1/],
    [{ checkpoint: 'yes' }, 'ERR_DTYPE', /checkpoint, received 'yes'/],
    [{ clipNorm: 0 }, 'ERR_RANGE', /clipNorm, received 0/],
    [{ weightAveraging: 2 }, 'ERR_RANGE', /weightAveraging, received 2/],
    [{ boxWeight: '1' }, 'ERR_DTYPE', /boxWeight, received '1'/],
    [{ loss: 'hinge' }, 'ERR_OPTION', /'focal'.* for loss, received 'hinge'/],
    [{ loss: null }, 'ERR_OPTION', /loss, received null/],
    [{ backend: 'Native' }, 'ERR_OPTION', /'native', 'wasm', 'cpu'.* for backend, received 'Native'/],
    [{ backend: 1 }, 'ERR_OPTION', /backend, received 1/],
    [{ boxLoss: 'l2' }, 'ERR_OPTION', /'l1'.* for boxLoss, received 'l2'/],
    [{ augment: null }, 'ERR_DTYPE', /augment, received null/],
    [{ augment: 'yes' }, 'ERR_DTYPE', /augment, received 'yes'/],
    [{ augment: { zoom: 0 } }, 'ERR_RANGE', /augment\.zoom, received 0/],
    [{ augment: { aspect: 5 } }, 'ERR_RANGE', /augment\.aspect, received 5/],
    [{ augment: { mosaic: 2 } }, 'ERR_RANGE', /augment\.mosaic, received 2/],
    [{ augment: { shift: NaN } }, 'ERR_RANGE', /augment\.shift, received NaN/],
    [{ augment: { verticalFlip: 1 } }, 'ERR_DTYPE', /augment\.verticalFlip, received 1/],
    [{ augment: { color: 0.1 } }, 'ERR_OPTION', /for augment, received 'color' \(did you mean 'colour'/],
    [{ seed: 2 ** 31 }, 'ERR_RANGE', /seed, received 2147483648/],
    [{ threads: 0 }, 'ERR_RANGE', /threads, received 0/],
    [{ signal: {} }, 'ERR_DTYPE', /an AbortSignal for signal, received an object/],
    [{ signal: null }, 'ERR_DTYPE', /an AbortSignal for signal, received null/],
    [{ onStep: 'print' }, 'ERR_DTYPE', /a function for onStep, received 'print'/],
    [{ onStep: null }, 'ERR_DTYPE', /a function for onStep, received null/],
    [{ learningrate: 1 }, 'ERR_OPTION', /'learningrate' \(did you mean 'learningRate'/],
  ] as const) {
    bad('trainRetinaNet', 2, { steps: 1, batchSize: 1, ...given }, code, message);
  }
  const taller = { ...goodDataset(), imageHeight: 32, images: new Uint8Array(6 * pixels) };
  bad('trainRetinaNet', 1, taller, 'ERR_SHAPE', /16, as the net has it, for dataset\.imageHeight, received 32/);
  const more = { ...goodDataset(), classNames: ['a', 'b', 'c'], labels: i32(0, 1, 2) };
  bad('trainRetinaNet', 1, more, 'ERR_LABEL', /below 2 for dataset\.labels, received 2 at row 2 \(image c\.jpg\)/);

  bad('validateOffsets', 0, [0, 2, 3], 'ERR_DTYPE', /an Int32Array for offsets, received an Array/);
  bad('validateOffsets', 0, null, 'ERR_DTYPE', /offsets, received null/);
  bad('validateOffsets', 0, i32(0, 3, 2), 'ERR_RANGE', /never fall \(after 3\) for offsets, received 2 at row 2/);
  bad('validateOffsets', 1, NaN, 'ERR_RANGE', /images, received NaN/);
  bad('validateOffsets', 1, 3, 'ERR_SHAPE', /4 elements \(images \+ 1\) for offsets, received 3/);
  bad('validateOffsets', 2, null, 'ERR_DTYPE', /rows, received null/);
  bad('validateOffsets', 2, 4, 'ERR_SHAPE', /a last offset of 4/);
  bad('validateOffsets', 3, undefined, 'ERR_DTYPE', /a string for name, received undefined/);
  return rows;
}
