// Which anchor answers for which ground-truth box: torchvision's Matcher on one image or a batch.
import type { GroundTruthArguments, MatchArguments } from '../../binding.js';
import { Call } from '../arguments/call.js';
import {
  array,
  boolean,
  number,
  output,
  share,
  type Checked,
  type FloatArray,
  type OptionsOf,
} from '../arguments/options.js';
import type { ScalarCheck } from '../arguments/scalar-check.js';
import { ofThisRealm } from '../arguments/typed-arrays.js';
import { BACKEND, backendIndex, type BackendOptions } from '../runtime/backend.js';
import { DeviceTensor, type Floats, type FloatsLike, type Ints, type IntsLike } from '../runtime/device-tensor.js';
import { plan, synchronous, type Plan } from '../runtime/plan.js';
import { readBoxes, readGroundTruth, readIgnored, type GroundTruth } from './ground-truth.js';
import { nativeAnchors, type Anchors, type NativeAnchors } from './anchors.js';
import { BOX_CODER, coderFields, type BoxCoderOptions } from './box-coder.js';

export const MATCH_OPTIONS = {
  /** In (0, 1]: from this IoU on an anchor is positive. Default 0.5. */
  positiveThreshold: share(0.5),
  /** In [0, positiveThreshold]: below this IoU an anchor is background; between the two it is ignored. Default 0.4. */
  negativeThreshold: number({ min: 0, max: 1, default: 0.4 }),
  /** Gives every box also the anchors that reach its own best IoU, however low. Default true. */
  allowLowQualityMatches: boolean(true),
  /**
   * In (0, 1]: an anchor that would be background is ignored where at least this share of its own area lies in one ignore box
   * (intersection over foreground). Positive anchors stay positive. Default 0.5.
   */
  ignoreIof: share(0.5),
};

/** When an anchor is positive, background or ignored (torchvision's Matcher). */
export interface MatchOptions extends OptionsOf<typeof MATCH_OPTIONS> {}

const OUT = { out: output() };
const IGNORE_BOXES = { ignoreBoxes: array<FloatArray>() };
export const ASSIGN_BATCH_OPTIONS = { ...MATCH_OPTIONS, ...BOX_CODER, ...OUT, ...BACKEND };
export const ASSIGN_OPTIONS = { ...ASSIGN_BATCH_OPTIONS, ...IGNORE_BOXES };

/** `Out`: the kind of the arrays in `out`. */
export interface AssignBatchOptions<F extends Floats = Float32Array, Out extends Ints = IntsLike<F>>
  extends MatchOptions, BoxCoderOptions, BackendOptions {
  /** Arrays that receive the outputs whose size is known beforehand; they must not overlap each other or an input. */
  out?: AssignOut<F, Out>;
}

/** `Out`: the kind of the arrays in `out`. */
export interface AssignOptions<
  F extends Floats = Float32Array,
  Out extends Ints = IntsLike<F>,
> extends AssignBatchOptions<F, Out> {
  /** [I, 4] regions of unlabelled or crowded objects. In the memory where gtBoxes are. */
  ignoreBoxes?: Float32Array | FloatsLike<F>;
}

const ASSIGN_OUT = { labels: output(), matches: output() };

/** Arrays that receive the outputs of an assignment. */
export interface AssignOut<F extends Floats = Float32Array, Out extends Ints = IntsLike<F>> {
  /** [A], or [B * A] of a batch. */
  labels?: Out;
  /** [A], or [B * A] of a batch. */
  matches?: Out;
}

/** Where the results of a call are: on a device where one of its arguments is. */
export type MemoryOf<Argument> = [Extract<Argument, DeviceTensor>] extends [never] ? Float32Array : DeviceTensor;

/** What `assignAnchors` finds, for A anchors of which P are positive. */
export interface Assignment<F extends Floats = Float32Array> {
  /** [A] class label, -1 background, -2 ignored. */
  labels: IntsLike<F>;
  /** [A] row of the ground truth, -1 background, -2 ignored. */
  matches: IntsLike<F>;
  /** [P] indices of the positive anchors, ascending. */
  positives: IntsLike<F>;
  /** [P, 4] deltas from the positive anchors to their boxes (see encodeBoxes), by the coder's weights. */
  boxTargets: FloatsLike<F>;
  /** P. */
  numPositives: number;
  /** Rows of the ground truth that no anchor was assigned to, ascending: boxes that no anchor overlaps, and boxes all of whose
   *  anchors prefer another box or stay below the thresholds. On the host. */
  unmatchedGt: Int32Array;
}

/** As Assignment, over [B * A] anchors; matches and unmatchedGt are rows of the batch's own `boxes`. */
export interface BatchAssignment<F extends Floats = Float32Array> extends Assignment<F> {
  /** [B + 1] image b owns positives positiveOffsets[b] .. positiveOffsets[b + 1]; on the host. */
  positiveOffsets: Int32Array;
}

/**
 * Assigns anchors to the ground truth of one image, as torchvision.models.detection._utils.Matcher does to the bit (ties
 * included), with one exception: a box that no anchor overlaps matches nothing.
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param gtBoxes [G, 4] x1, y1, x2, y2 in pixels, finite, with area
 * @param gtLabels [G] class labels >= 0
 * @throws RetinanetOpsError ERR_BOX, ERR_LABEL, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const assignAnchors = synchronous(planAssignAnchors);

/**
 * {@link assignAnchors} for every image of a batch in one call.
 *
 * @throws as assignAnchors
 */
export const assignAnchorsBatch = synchronous(planAssignAnchorsBatch);

export function planAssignAnchors<A extends Anchors<Floats>, Boxes extends Floats, Out extends Ints = never>(
  anchors: A,
  gtBoxes: Boxes,
  gtLabels: Ints,
  options?: AssignOptions<Floats, Out>,
): Plan<Assignment<MemoryOf<A | Boxes | Out>>> {
  const call = new Call('assignAnchors');
  const given = call.options('options', options, ASSIGN_OPTIONS);
  const { boxes, labels, count } = readBoxes(call, 'gtBoxes', gtBoxes, 'gtLabels', gtLabels);
  const ignored = given.ignoreBoxes === undefined ? undefined : readIgnored(call, 'ignoreBoxes', given.ignoreBoxes);
  const truth: GroundTruthArguments = {
    gtBoxes: boxes,
    gtLabels: labels,
    gtOffsets: Int32Array.of(0, count),
    ignoreBoxes: ignored?.boxes ?? null,
    ignoreOffsets: ignored === undefined ? null : Int32Array.of(0, ignored.count),
  };
  const read = nativeAnchors(call, anchors);
  return planAssign<MemoryOf<A | Boxes | Out>, Assignment<MemoryOf<A | Boxes | Out>>>(
    call,
    read,
    truth,
    1,
    given,
    ({ positiveOffsets: _, ...rest }) => rest,
  );
}

export function planAssignAnchorsBatch<A extends Anchors<Floats>, Boxes extends Floats, Out extends Ints = never>(
  anchors: A,
  groundTruth: Omit<GroundTruth<Floats>, 'boxes'> & { boxes: Boxes },
  options?: AssignBatchOptions<Floats, Out>,
): Plan<BatchAssignment<MemoryOf<A | Boxes | Out>>> {
  const call = new Call('assignAnchorsBatch');
  const given = call.options('options', options, ASSIGN_BATCH_OPTIONS);
  const { truth, images } = readGroundTruth(call, groundTruth);
  const read = nativeAnchors(call, anchors);
  return planAssign(call, read, truth, images, given, (assignment) => assignment);
}

function planAssign<F extends Floats, Result>(
  call: Call,
  anchors: NativeAnchors,
  truth: GroundTruthArguments,
  images: number,
  given: Checked<typeof ASSIGN_BATCH_OPTIONS>,
  finish: (assignment: BatchAssignment<F>) => Result,
): Plan<Result> {
  const rows = anchors.count * images;
  if (rows > 2 ** 31 - 1) call.fail('ERR_RANGE', 'anchors', 'at most 2^31 - 1 anchors in a batch', String(rows));
  const match = matchFields(call, given);
  const out = call.options('out', given.out, ASSIGN_OUT, 'out.');
  const labels = call.out('Int32Array', 'out.labels', out.labels, rows);
  const matches = call.out('Int32Array', 'out.matches', out.matches, rows);
  const { device } = call;
  const fields = {
    backend: backendIndex(call, given.backend),
    ...anchors.fields,
    ...truth,
    ...match,
    ...coderFields(given),
    labels,
    matches,
  };
  return plan(call, 'assign', fields, (raw) => {
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

/** The matching options as native code takes them. */
export function matchFields(
  check: ScalarCheck,
  { positiveThreshold, negativeThreshold, allowLowQualityMatches, ignoreIof }: Checked<typeof MATCH_OPTIONS>,
): MatchArguments {
  if (negativeThreshold > positiveThreshold) {
    const expected = `at most positiveThreshold = ${String(positiveThreshold)}`;
    check.fail('ERR_RANGE', 'negativeThreshold', expected, String(negativeThreshold));
  }
  return { positiveThreshold, negativeThreshold, allowLowQuality: allowLowQualityMatches, ignoreIof };
}
