// Arguments and results as trees, with typed arrays, tensors, grids, numbers and the like for leaves.
import { AnchorGrid } from 'retinanet-ops';
import { bits } from '../../support/compare.js';

export type Numbers = Float32Array | Int32Array;

const isNode = (value: unknown): value is object =>
  Array.isArray(value) ||
  (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);

/** The same tree with other leaves; `replace` is told where each stands. */
export function replaced(tree: unknown, replace: (leaf: unknown, path: string) => unknown, path = ''): unknown {
  const below = (key: string | number) => (path === '' ? String(key) : `${path}.${key}`);
  if (Array.isArray(tree)) return tree.map((entry, i) => replaced(entry, replace, below(i)));
  if (!isNode(tree)) return replace(tree, path);
  return Object.fromEntries(Object.entries(tree).map(([key, entry]) => [key, replaced(entry, replace, below(key))]));
}

/** The same tree with other typed arrays. */
export function replacedArrays(tree: unknown, replace: (array: Numbers, path: string) => unknown): unknown {
  return replaced(tree, (leaf, path) =>
    leaf instanceof Float32Array || leaf instanceof Int32Array ? replace(leaf, path) : leaf,
  );
}

/** The paths of all typed arrays. */
export function paths(tree: unknown): string[] {
  const found: string[] = [];
  replacedArrays(tree, (_array, path) => found.push(path));
  return found;
}

export function at(tree: unknown, path: string): unknown {
  return path.split('.').reduce((value: unknown, key) => (value as Record<string, unknown>)[key], tree);
}

/** The same tree with another value at a path, where nothing need stand yet. */
export function put<Tree>(tree: Tree, path: string, value: unknown): Tree {
  const [key, ...rest] = path.split('.') as [string, ...string[]];
  const inner = (tree as Record<string, unknown> | undefined)?.[key];
  const changed = rest.length === 0 ? value : put(inner, rest.join('.'), value);
  return (
    Array.isArray(tree)
      ? tree.map((old: unknown, i) => (i === Number(key) ? changed : old))
      : { ...tree, [key]: changed }
  ) as Tree;
}

/** Text that is the same for the same bits, wherever the arrays lie. Objects are taken as they are, grids by their boxes. */
export function digest(tree: unknown): string {
  const text = replaced(tree, (leaf) => {
    if (ArrayBuffer.isView(leaf)) return bits(leaf);
    if (leaf instanceof AnchorGrid) return bits(leaf.boxes());
    return typeof leaf === 'number' ? bits(Float64Array.of(leaf)) : leaf;
  });
  return JSON.stringify(text);
}
