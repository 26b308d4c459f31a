// The checks of arrays.
import { allocate, type ArrayKinds } from '../runtime/allocate.js';
import { firstBadBox, firstOutside } from './bad-rows.js';
import { a, describe } from './describe.js';
import { RetinanetOpsError } from './errors.js';
import { rangeText, ScalarCheck } from './scalar-check.js';
import { native } from '../runtime/native.js';
import { bufferOf, isDetached, kindOf, lengthIn } from './typed-arrays.js';

/** The checks of one call on typed arrays; `operation` opens every message. */
export class Check extends ScalarCheck {
  /** The device that the call's arrays lie on; undefined: in the host's memory. */
  get device(): number | undefined {
    return undefined;
  }

  /** A typed array of one kind, from any realm, with a live buffer; of exactly `length` elements where that is given. */
  array<Kind extends keyof ArrayKinds>(
    kind: Kind,
    argument: string,
    value: unknown,
    length?: number,
    shape?: string,
  ): ArrayKinds[Kind] {
    if (kindOf(value) !== kind) this.fail('ERR_DTYPE', argument, a(kind), describe(value));
    const array = value as ArrayKinds[Kind];
    const actual = lengthIn(array);
    if (array.length !== actual) {
      this.fail(
        'ERR_DTYPE',
        argument,
        `${a(kind)} whose length is its number of elements`,
        `one of ${String(actual)} elements with length ${String(array.length)}`,
      );
    }
    if (actual === 0 && isDetached(bufferOf(array))) {
      this.fail('ERR_DTYPE', argument, `${a(kind)} with a live buffer`, 'one whose buffer is detached');
    }
    this.length(argument, array, length, shape);
    return array;
  }

  newArray<Kind extends keyof ArrayKinds>(kind: Kind, length: number): ArrayKinds[Kind] {
    try {
      return allocate(kind, length);
    } catch (cause) {
      throw new RetinanetOpsError(
        'ERR_OUT_OF_MEMORY',
        `${this.operation}: could not allocate ${a(kind)} of ${String(length)} elements`,
        { cause },
      );
    }
  }

  /** Gives back what was allocated for a call that failed; arrays need no such thing. */
  abandon(): void {
    return;
  }

  /** All values in [min, max], bounds that float32 holds exactly; NaN is refused. */
  values(argument: string, array: Float32Array, min: number, max: number, rowLength = 1): void {
    const i = firstOutside(array, min, max);
    if (i < 0) return;
    const expected = `finite numbers${rangeText(min, max, false)}`;
    this.fail('ERR_RANGE', argument, expected, String(array[i]), Math.floor(i / rowLength));
  }

  /** Class labels in [lowest, numClasses); `lowest` is 0, or the label of ignored rows where these and background are allowed too. */
  labels(
    argument: string,
    labels: Int32Array,
    lowest: number,
    numClasses = 2 ** 31,
    imageOf?: (row: number) => string,
  ): void {
    const row = firstOutside(labels, lowest, Math.min(numClasses, 2 ** 31) - 1);
    if (row < 0) return;
    const top = numClasses >= 2 ** 31 ? '' : ` below ${String(numClasses)}`;
    const { background, ignored } = native().labels;
    const expected =
      lowest < 0
        ? `a class label${top}, ${String(background)} (background) or ${String(ignored)} (ignored)`
        : `a class label of at least 0${top === '' ? '' : ` and${top}`}`;
    this.fail('ERR_LABEL', argument, expected, String(labels[row]), { row, image: imageOf?.(row) });
  }

  /** Boxes [n, 4] of finite coordinates; with `area`, also x2 > x1 and y2 > y1. Returns n. */
  boxes(
    argument: string,
    boxes: Float32Array,
    { area, imageOf }: { area: boolean; imageOf?: (row: number) => string },
  ): number {
    const count = this.boxCount(argument, boxes);
    const row = firstBadBox(boxes, area);
    if (row < 0) return count;
    const expected = area ? 'finite boxes with x2 > x1 and y2 > y1' : 'finite boxes';
    const received = `[${boxes.slice(4 * row, 4 * row + 4).join(', ')}]`;
    this.fail('ERR_BOX', argument, expected, received, { row, image: imageOf?.(row) });
  }

  /** n of boxes [n, 4]. */
  boxCount(argument: string, boxes: { length: number }): number {
    if (boxes.length % 4 !== 0)
      this.fail('ERR_SHAPE', argument, 'four values per box', `${String(boxes.length)} values`);
    return boxes.length / 4;
  }

  /** Ragged offsets: start at 0, never fall, end at `rows`. Returns the number of images. */
  offsets(argument: string, offsets: Int32Array, rows: number): number {
    if (offsets.length === 0) this.fail('ERR_SHAPE', argument, 'one element more than there are images', '0 elements');
    let previous = 0;
    for (let i = 0; i < offsets.length; i++) {
      const offset = offsets[i] as number;
      if (i === 0 ? offset !== 0 : offset < previous) {
        const expected = i === 0 ? 'offsets that start at 0' : `offsets that never fall (after ${String(previous)})`;
        this.fail('ERR_RANGE', argument, expected, String(offset), i);
      }
      previous = offset;
    }
    if (previous !== rows) {
      this.fail('ERR_SHAPE', argument, `a last offset of ${String(rows)}, the number of boxes`, String(previous));
    }
    return offsets.length - 1;
  }
}
