// Objects of another copy of this package: a second installation, a bundle, the modules of before a reset. Their classes are not
// ours, whatever their names; what they say of themselves in public can be read.
const COPY = Symbol.for('retinanet-ops.copy');
const thisCopy = Symbol('retinanet-ops');

/** Makes the objects of a class known to other copies; for its static block. */
export function mark(prototype: object): void {
  Object.defineProperty(prototype, COPY, { value: thisCopy });
}

/** Whether an object is of a marked class of another copy. */
export function isOfAnotherCopy(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  try {
    const copy = (value as { [COPY]?: unknown })[COPY];
    return copy !== undefined && copy !== thisCopy;
  } catch {
    return false; // a revoked proxy
  }
}
