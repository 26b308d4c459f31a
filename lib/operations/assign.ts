// Which anchor answers for which ground-truth box: torchvision's Matcher on one image or a batch.
import { nativeAnchors, type Anchors, type NativeAnchors } from './anchors.js';
import { backendIndex, type BackendName } from '../runtime/backend.js';
import type { GroundTruthArguments, MatchArguments } from '../../binding.js';
import { Call } from '../arguments/call.js';
import { DeviceTensor, type Floats, type FloatsLike, type Ints, type IntsLike } from '../runtime/device-tensor.js';
import { plan, type Plan } from '../runtime/plan.js';
import { ofThisRealm } from '../arguments/typed-arrays.js';
import type { Check } from '../arguments/validate.js';

export interface MatchOptions {
  /** In (0, 1]: from this IoU on an anchor is positive. Default 0.5. */
  positiveThreshold?: number;
  /** In [0, positiveThreshold]: below this IoU an anchor is background; between the two it is ignored. Default 0.4. */
  negativeThreshold?: number;
  /** Gives every box also the anchors that reach its own best IoU, however low. Default true. */
  allowLowQualityMatches?: boolean;
  /**
   * In (0, 1]: an anchor that would be background is ignored where at least this share of its own area lies in one ignore box
   * (intersection over foreground). Positive anchors stay positive. Default 0.5.
   */
  ignoreIof?: number;
}

export interface AssignOptions<F extends Floats = Float32Array> extends MatchOptions {
  /** [I, 4]: regions of unlabelled or crowded objects. Lie where gtBoxes do. */
  ignoreBoxes?: Float32Array | FloatsLike<F>;
  out?: AssignOut<F>;
  backend?: BackendName;
}

export interface AssignBatchOptions<F extends Floats = Float32Array> extends MatchOptions {
  out?: AssignOut<F>;
  backend?: BackendName;
}

/** Arrays that receive the outputs whose size is known beforehand; apart from each other and from all inputs. */
export interface AssignOut<F extends Floats = Float32Array> {
  labels?: IntsLike<F>;
  matches?: IntsLike<F>;
}

/** Ground truth of a batch, ragged: image b owns the rows offsets[b] .. offsets[b + 1]. */
export interface GroundTruth<F extends Floats = Float32Array> {
  /** [G, 4], finite, with area. */
  boxes: FloatsLike<F>;
  /** [G], class labels >= 0. */
  labels: IntsLike<F>;
  /** [B + 1], from 0 to G; always on the host. */
  offsets: Int32Array;
  /** [I, 4]: see MatchOptions.ignoreIof. */
  ignoreBoxes?: FloatsLike<F>;
  /** [B + 1], from 0 to I; always on the host. */
  ignoreOffsets?: Int32Array;
}

export interface Assignment<F extends Floats = Float32Array> {
  /** [A]: class label, -1 background, -2 ignored. */
  labels: IntsLike<F>;
  /** [A]: row of the ground truth, -1 background, -2 ignored. */
  matches: IntsLike<F>;
  /** [P]: indices of the positive anchors, ascending. */
  positives: IntsLike<F>;
  /** [P, 4]: deltas from the positive anchors to their boxes (see encodeBoxes). */
  boxTargets: FloatsLike<F>;
  numPositives: number;
  /** Rows of the ground truth that no anchor was assigned to, ascending: boxes that no anchor overlaps, and boxes all of whose
   *  anchors prefer another box or stay below the thresholds. On the host. */
  unmatchedGt: Int32Array;
}

/** As Assignment, over [B * A] anchors; matches and unmatchedGt are rows of the batch's own `boxes`. */
export interface BatchAssignment<F extends Floats = Float32Array> extends Assignment<F> {
  /** [B + 1]: image b owns positives positiveOffsets[b] .. positiveOffsets[b + 1]; on the host. */
  positiveOffsets: Int32Array;
}

export const MATCH_OPTIONS = ['positiveThreshold', 'negativeThreshold', 'allowLowQualityMatches', 'ignoreIof'] as const;

/**
 * Assigns anchors to the ground truth of one image, as torchvision.models.detection._utils.Matcher does to the bit (ties
 * included), with one exception: a box that no anchor overlaps matches nothing.
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param gtBoxes [G, 4] x1, y1, x2, y2 in pixels, finite, with area
 * @param gtLabels [G] class labels >= 0
 * @throws RetinanetOpsError ERR_BOX, ERR_LABEL, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export function assignAnchors(
  anchors: Anchors,
  gtBoxes: Float32Array,
  gtLabels: Int32Array,
  options?: AssignOptions,
): Assignment;
export function assignAnchors(
  anchors: Anchors<DeviceTensor>,
  gtBoxes: Floats,
  gtLabels: Ints,
  options?: AssignOptions<DeviceTensor>,
): Assignment<DeviceTensor>;
export function assignAnchors<F extends Floats>(
  anchors: Anchors<F>,
  gtBoxes: Floats,
  gtLabels: Ints,
  options?: AssignOptions<F>,
): Assignment<F> {
  return planAssignAnchors(anchors, gtBoxes, gtLabels, options).runSync();
}

/**
 * {@link assignAnchors} for every image of a batch in one call.
 *
 * @throws as assignAnchors
 */
export function assignAnchorsBatch(
  anchors: Anchors,
  groundTruth: GroundTruth,
  options?: AssignBatchOptions,
): BatchAssignment;
export function assignAnchorsBatch(
  anchors: Anchors<DeviceTensor>,
  groundTruth: GroundTruth | GroundTruth<DeviceTensor>,
  options?: AssignBatchOptions<DeviceTensor>,
): BatchAssignment<DeviceTensor>;
export function assignAnchorsBatch<F extends Floats>(
  anchors: Anchors<F>,
  groundTruth: GroundTruth | GroundTruth<F>,
  options?: AssignBatchOptions<F>,
): BatchAssignment<F> {
  return planAssignAnchorsBatch(anchors, groundTruth, options).runSync();
}

export function planAssignAnchors<F extends Floats = Float32Array>(
  anchors: Anchors<F>,
  gtBoxes: Floats,
  gtLabels: Ints,
  options?: AssignOptions<F>,
): Plan<Assignment<F>> {
  const check = new Call('assignAnchors');
  const names = [...MATCH_OPTIONS, 'ignoreBoxes', 'out', 'backend'] as const;
  const given = check.options<AssignOptions<Floats>>('options', options, names);
  const { ignoreBoxes } = given;
  const boxes = check.groundTruth('Float32Array', 'gtBoxes', gtBoxes);
  const count = check.boxes('gtBoxes', boxes, { area: true });
  const labels = check.groundTruth('Int32Array', 'gtLabels', gtLabels, count, 'one a box');
  check.labels('gtLabels', labels, 0);
  const ignoreCount = ignoreBoxes === undefined ? 0 : checkIgnoreBoxes(check, 'ignoreBoxes', ignoreBoxes);
  const truth: GroundTruthArguments = {
    gtBoxes: boxes,
    gtLabels: labels,
    gtOffsets: Int32Array.of(0, count),
    ignoreBoxes: ignoreBoxes ?? null,
    ignoreOffsets: ignoreBoxes === undefined ? null : Int32Array.of(0, ignoreCount),
  };
  const read = nativeAnchors(check, anchors);
  return planAssign<F, Assignment<F>>(check, read, truth, 1, given, ({ positiveOffsets: _, ...rest }) => rest);
}

export function planAssignAnchorsBatch<F extends Floats = Float32Array>(
  anchors: Anchors<F>,
  groundTruth: GroundTruth | GroundTruth<F>,
  options?: AssignBatchOptions<F>,
): Plan<BatchAssignment<F>> {
  const check = new Call('assignAnchorsBatch');
  const given = check.options<AssignBatchOptions<Floats>>('options', options, [...MATCH_OPTIONS, 'out', 'backend']);
  const { truth, images } = readGroundTruth(check, groundTruth);
  const read = nativeAnchors(check, anchors);
  return planAssign<F, BatchAssignment<F>>(check, read, truth, images, given, (assignment) => assignment);
}

function planAssign<F extends Floats, Result>(
  check: Call,
  anchors: NativeAnchors,
  truth: GroundTruthArguments,
  images: number,
  given: AssignBatchOptions<Floats>,
  finish: (assignment: BatchAssignment<F>) => Result,
): Plan<Result> {
  const rows = anchors.count * images;
  if (rows > 2 ** 31 - 1) check.fail('ERR_RANGE', 'anchors', 'at most 2^31 - 1 anchors in a batch', String(rows));
  const match = readMatchOptions(check, given);
  const out = check.options<AssignOut<Floats>>('out', given.out, ['labels', 'matches']);
  const labels = check.out('Int32Array', 'out.labels', out.labels, rows);
  const matches = check.out('Int32Array', 'out.matches', out.matches, rows);
  const backend = backendIndex(check, given.backend);
  const { device } = check;
  return plan(check, 'assign', { backend, ...anchors.args, ...truth, ...match, labels, matches }, (raw) => {
    const numPositives = raw.positiveOffsets[images] as number;
    return finish({
      labels,
      matches,
      numPositives,
      positiveOffsets: ofThisRealm(raw.positiveOffsets),
      unmatchedGt: ofThisRealm(raw.unmatchedGt),
      positives:
        device === undefined
          ? ofThisRealm(raw.positives)
          : DeviceTensor.adopt(raw.positives, [numPositives], 'int32', device),
      boxTargets:
        device === undefined
          ? ofThisRealm(raw.boxTargets)
          : DeviceTensor.adopt(raw.boxTargets, [numPositives, 4], 'float32', device),
    } as BatchAssignment<F>);
  });
}

/** The ground truth of a batch as native code takes it, validated. */
export function readGroundTruth(
  check: Call,
  groundTruth: GroundTruth | GroundTruth<Floats>,
  numClasses?: number,
): { truth: GroundTruthArguments; images: number } {
  const names = ['boxes', 'labels', 'offsets', 'ignoreBoxes', 'ignoreOffsets'] as const;
  const given = check.required<GroundTruth<Floats>>('groundTruth', groundTruth, names);
  const boxes = check.groundTruth('Float32Array', 'groundTruth.boxes', given.boxes);
  const count = check.boxes('groundTruth.boxes', boxes, { area: true });
  const labels = check.groundTruth('Int32Array', 'groundTruth.labels', given.labels, count, 'one a box');
  check.labels('groundTruth.labels', labels, 0, numClasses);
  const offsets = check.array('Int32Array', 'groundTruth.offsets', given.offsets);
  const images = check.offsets('groundTruth.offsets', offsets, count);
  if ((given.ignoreBoxes === undefined) !== (given.ignoreOffsets === undefined)) {
    const missing = given.ignoreBoxes === undefined ? 'ignoreBoxes' : 'ignoreOffsets';
    check.fail('ERR_OPTION', `groundTruth.${missing}`, 'ignoreBoxes and ignoreOffsets together', 'undefined');
  }
  const truth = { gtBoxes: boxes, gtLabels: labels, gtOffsets: offsets };
  if (given.ignoreBoxes === undefined || given.ignoreOffsets === undefined) {
    return { truth: { ...truth, ignoreBoxes: null, ignoreOffsets: null }, images };
  }
  const ignoreCount = checkIgnoreBoxes(check, 'groundTruth.ignoreBoxes', given.ignoreBoxes);
  const shape = 'as many as offsets';
  const ignoreOffsets = check.array('Int32Array', 'groundTruth.ignoreOffsets', given.ignoreOffsets, images + 1, shape);
  check.offsets('groundTruth.ignoreOffsets', ignoreOffsets, ignoreCount);
  return { truth: { ...truth, ignoreBoxes: given.ignoreBoxes, ignoreOffsets }, images };
}

function checkIgnoreBoxes(check: Call, name: string, boxes: unknown): number {
  return check.boxes(name, check.groundTruth('Float32Array', name, boxes), { area: true });
}

/** The matching options with their defaults, as native code takes them. */
export function readMatchOptions(check: Check, given: MatchOptions): MatchArguments {
  const { positiveThreshold = 0.5, negativeThreshold = 0.4, allowLowQualityMatches = true, ignoreIof = 0.5 } = given;
  const positive = check.share('positiveThreshold', positiveThreshold);
  const negative = check.number('negativeThreshold', negativeThreshold, { min: 0, max: 1 });
  if (negative > positive) {
    check.fail('ERR_RANGE', 'negativeThreshold', `at most positiveThreshold = ${String(positive)}`, String(negative));
  }
  return {
    positiveThreshold: positive,
    negativeThreshold: negative,
    allowLowQuality: check.boolean('allowLowQualityMatches', allowLowQualityMatches),
    ignoreIof: check.share('ignoreIof', ignoreIof),
  };
}
