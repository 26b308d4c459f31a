// Puts an ONNX graph together.
import { FLOAT16_MAX, float16Bits } from './float16.js';
import type { Attribute, Initializer, OnnxNode } from './onnx-format.js';

/** What weights are stored as. They are computed with as float32. */
export type Precision = 'float32' | 'float16';

export class OnnxGraph {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: Initializer[] = [];
  private readonly constants = new Map<string, string>();
  private readonly names = new Set<string>();

  constructor(private readonly precision: Precision) {}

  /** Adds a node with one output; gives the output's name. */
  node(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}, name?: string): string {
    return this.nodeOf(op, inputs, 1, attributes, name)[0]!;
  }

  /** Adds a node with several outputs. */
  nodeOf(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Record<string, Attribute> = {},
    name = op.toLowerCase(),
  ): string[] {
    const first = this.newName(name);
    const outputs = [first, ...Array.from({ length: count - 1 }, (_, i) => this.newName(`${name}_output${i + 1}`))];
    this.nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  /** Weights of the network: in float16 where that is the file's precision and can hold them. */
  weights(name: string, dims: readonly number[], values: Float32Array): string {
    const isLarge = values.some((value) => Math.abs(value) > FLOAT16_MAX);
    if (this.precision === 'float32' || isLarge) return this.floats(name, dims, values);
    const half = this.newName(`${name}_float16`);
    const bytes = littleEndian(Uint16Array.from(values, float16Bits));
    this.initializers.push({ name: half, type: 'float16', dims, bytes });
    return this.node('Cast', [half], { to: 1 }, name);
  }

  /** A constant of float32. */
  floats(name: string, dims: readonly number[], values: Float32Array): string {
    const unique = this.newName(name);
    this.initializers.push({ name: unique, type: 'float32', dims, bytes: littleEndian(values) });
    return unique;
  }

  float(value: number): string {
    return this.constant(`float ${String(value)}`, (name) => this.floats(name, [], Float32Array.of(value)));
  }

  /** A list of int64, or with `isScalar` one. */
  ints(values: readonly number[], isScalar = false): string {
    return this.constant(`${isScalar ? 'int' : 'ints'} ${values.join(' ')}`, (name) => {
      const bytes = littleEndian(BigInt64Array.from(values, BigInt));
      const unique = this.newName(name);
      this.initializers.push({ name: unique, type: 'int64', dims: isScalar ? [] : [values.length], bytes });
      return unique;
    });
  }

  /** Gives a value the name of an output of the graph. */
  output(value: string, name: string): void {
    this.names.add(name);
    this.nodes.push({ op: 'Identity', inputs: [value], outputs: [name], attributes: {} });
  }

  /** Keeps a name for an input or output of the graph. */
  reserve(name: string): string {
    this.names.add(name);
    return name;
  }

  private constant(key: string, make: (name: string) => string): string {
    const made = this.constants.get(key) ?? make('constant');
    this.constants.set(key, made);
    return made;
  }

  private newName(name: string): string {
    let unique = name;
    for (let i = 2; this.names.has(unique); i++) unique = `${name}_${String(i)}`;
    this.names.add(unique);
    return unique;
  }
}

function littleEndian(values: Float32Array | Uint16Array | BigInt64Array): Uint8Array {
  const bytes = Buffer.from(
    values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength) as ArrayBuffer,
  );
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] === 1) return bytes;
  if (values.BYTES_PER_ELEMENT === 2) return bytes.swap16();
  return values.BYTES_PER_ELEMENT === 4 ? bytes.swap32() : bytes.swap64();
}
