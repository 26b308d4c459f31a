import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PROGRAM = `
import { AnchorGrid, nms, type BackendInfo, backendInfo } from 'retinanet-ops';
import * as promises from 'retinanet-ops/promises';
import type { AssignOptions, DecodeDetectionsOptions, Detections, FocalLossOptions } from 'retinanet-ops/promises';
import * as tf from '@tensorflow/tfjs-core';
import { sigmoidFocalLoss } from 'retinanet-ops/tfjs';
import type { DetectionDataset } from 'retinanet-ops/retinanet';
export const count: number = new AnchorGrid({ imageHeight: 64, imageWidth: 64 }).count;
export const kept: Int32Array = nms(new Float32Array(4), new Float32Array(1));
export const later: Promise<Float32Array> = promises.boxIou(new Float32Array(4), new Float32Array(4));
export const info: BackendInfo = backendInfo();
export const loss: tf.Tensor = sigmoidFocalLoss(tf.zeros([1, 2]), tf.tensor1d([0], 'int32'));
export const names = (data: DetectionDataset): string[] => data.classNames;
export const options: AssignOptions & FocalLossOptions = { positiveThreshold: 0.6, gamma: 2 };
export const detect = (given: DecodeDetectionsOptions): Promise<Detections> => promises.decodeDetections(given);
// @ts-expect-error: the types are there, and are not any
nms('boxes');
`;

/** Turns a project into a TypeScript one that uses the types of every entry point. */
export function writeTypedProgram(project: string, module: string, moduleResolution: string): void {
  writeFileSync(join(project, 'use.ts'), PROGRAM);
  const compilerOptions = {
    module,
    moduleResolution,
    target: 'es2022',
    strict: true,
    noEmit: true,
    types: [],
    skipLibCheck: true,
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
  // As a module: what require() gives of an ES module is not known to node16.
  const file = join(project, 'package.json');
  const settings = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...settings, type: 'module' }));
}
