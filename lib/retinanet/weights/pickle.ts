// A reader of Python's pickles that runs nothing: it knows the opcodes that data need, and asks its caller about every name.

/** Stands for something of a Python module. */
export interface PickleHost {
  /** What a name of a module stands for; throws PickleError for all but a few. */
  global(module: string, name: string): unknown;
  /** What calling that gives. */
  call(callable: unknown, args: readonly unknown[]): unknown;
  /** What lies outside of the pickle. */
  persistent(id: unknown): unknown;
}

/** What a pickle may not have, said as "expected ..., received ...". */
export class PickleError extends Error {
  constructor(
    readonly expected: string,
    readonly received: string,
  ) {
    super(`expected ${expected}, received ${received}`);
  }
}

/** A mark on the stack, behind which lie the elements of a tuple or the like. */
const MARK = Symbol('mark');

/** Longer integers are no sizes. */
const LONGEST_INTEGER = 64;

const text = new TextDecoder('utf-8', { fatal: true });

/**
 * The value of a pickle and where it ends. Every step of the work takes a byte or more of the pickle and makes at most one value, so a
 * small file can't ask for much. Tuples and lists are arrays, dicts are Maps.
 */
export function unpickle(bytes: Uint8Array, host: PickleHost, start = 0): { value: unknown; end: number } {
  const machine = new Machine(bytes, host, start);
  while (!machine.step());
  return { value: machine.result(), end: machine.at };
}

class Machine {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #host: PickleHost;
  readonly #stack: unknown[] = [];
  /** Where the marks lie on the stack. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(bytes: Uint8Array, host: PickleHost, start: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#host = host;
    this.at = start;
  }

  result(): unknown {
    if (this.#stack.length !== 1) throw new PickleError('one value', String(this.#stack.length));
    return this.#pop();
  }

  /** Runs an opcode. @returns whether it was the last. */
  step(): boolean {
    const at = this.at;
    const opcode = this.#bytes[this.#take(1)]!;
    if (opcode === 0x2e) return true;
    const run = OPCODES[opcode];
    if (run === undefined) {
      throw new PickleError(
        'a pickle of tensors',
        `one with the opcode 0x${opcode.toString(16).padStart(2, '0')} at ${String(at)}`,
      );
    }
    run(this);
    return false;
  }

  /** Where the next bytes lie, which are passed over. */
  #take(length: number): number {
    const at = this.at;
    if (length > this.#bytes.length - at) throw new PickleError('a whole pickle', 'one that is cut off');
    this.at += length;
    return at;
  }

  #pop(): unknown {
    const floor = this.#marks.at(-1);
    if (this.#stack.length === 0 || (floor !== undefined && this.#stack.length - 1 === floor)) {
      throw new PickleError('a value on the stack of the pickle', 'none');
    }
    return this.#stack.pop();
  }

  uint8 = (): number => this.#view.getUint8(this.#take(1));
  uint16 = (): number => this.#view.getUint16(this.#take(2), true);
  int32 = (): number => this.#view.getInt32(this.#take(4), true);
  uint32 = (): number => this.#view.getUint32(this.#take(4), true);
  float64 = (): number => this.#view.getFloat64(this.#take(8));
  uint64 = (): number => Number(this.#view.getBigUint64(this.#take(8), true));

  integer(length: number): number | bigint {
    if (length > LONGEST_INTEGER)
      throw new PickleError(`integers of at most ${String(LONGEST_INTEGER)} bytes`, String(length));
    const at = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[at + i]!);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  string(length: number): string {
    const at = this.#take(length);
    try {
      return text.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw new PickleError('text in UTF-8', `bytes at ${String(at)} that are none`);
    }
  }

  /** To the end of the line, as names of Python are written. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0 || end - this.at > 1024) throw new PickleError('a name', 'a line without end');
    const line = this.string(end - this.at);
    this.at++;
    return line;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  top(): unknown {
    const value = this.#pop();
    this.#stack.push(value);
    return value;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
    this.#stack.push(MARK);
  }

  /** All above the last mark, which goes. */
  popMark(): unknown[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw new PickleError('a mark on the stack of the pickle', 'none');
    const values = this.#stack.splice(mark + 1);
    this.#stack.pop();
    return values;
  }

  /** The topmost values, in the order in which they came. */
  popTuple(length: number): unknown[] {
    return Array.from({ length }, () => this.#pop()).reverse();
  }

  append(values: readonly unknown[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw new PickleError('a list to append to', 'another value');
    for (const value of values) list.push(value);
  }

  setItems(pairs: readonly unknown[]): void {
    const dict = this.top();
    if (!isMap(dict) || pairs.length % 2 !== 0) throw new PickleError('a dict to put pairs into', 'another value');
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i], pairs[i + 1]);
  }

  remember(key = this.#memo.size): void {
    this.#memo.set(key, this.top());
  }

  recall(key: number): void {
    if (!this.#memo.has(key)) throw new PickleError('a value that came before', `a memo ${String(key)} without one`);
    this.push(this.#memo.get(key));
  }

  global(module: unknown, name: unknown): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw new PickleError('a name', 'another value');
    this.push(this.#host.global(module, name));
  }

  reduce(): void {
    const [callable, args] = this.popTuple(2);
    if (!Array.isArray(args)) throw new PickleError('a tuple of arguments', 'another value');
    this.push(this.#host.call(callable, args));
  }

  persistent(): void {
    this.push(this.#host.persistent(this.#pop()));
  }

  /** Attributes: those of an OrderedDict, such as the versions of modules in a state_dict, are of no use; others have none. */
  build(): void {
    this.#pop();
    if (!isMap(this.top())) throw new PickleError('attributes of a dict only', 'some of another object');
  }
}

/** By what it does: no class is the same in another realm. */
export function isMap(value: unknown): value is Map<unknown, unknown> {
  return Object.prototype.toString.call(value) === '[object Map]';
}

/* eslint-disable @typescript-eslint/no-confusing-void-expression -- a line each reads best */
/** What Python's pickletools calls PROTO, FRAME and so on. */
const OPCODES: Readonly<Record<number, (m: Machine) => void>> = {
  0x80: (m) => void m.uint8(), // PROTO
  0x95: (m) => void m.uint64(), // FRAME
  0x28: (m) => m.mark(), // MARK
  0x30: (m) => void m.popTuple(1), // POP
  0x31: (m) => void m.popMark(), // POP_MARK
  0x4e: (m) => m.push(null), // NONE
  0x88: (m) => m.push(true), // NEWTRUE
  0x89: (m) => m.push(false), // NEWFALSE
  0x4a: (m) => m.push(m.int32()), // BININT
  0x4b: (m) => m.push(m.uint8()), // BININT1
  0x4d: (m) => m.push(m.uint16()), // BININT2
  0x8a: (m) => m.push(m.integer(m.uint8())), // LONG1
  0x47: (m) => m.push(m.float64()), // BINFLOAT
  0x58: (m) => m.push(m.string(m.uint32())), // BINUNICODE
  0x8c: (m) => m.push(m.string(m.uint8())), // SHORT_BINUNICODE
  0x8d: (m) => m.push(m.string(m.uint64())), // BINUNICODE8
  0x54: (m) => m.push(m.string(m.uint32())), // BINSTRING, of Python 2
  0x55: (m) => m.push(m.string(m.uint8())), // SHORT_BINSTRING
  0x29: (m) => m.push([]), // EMPTY_TUPLE
  0x85: (m) => m.push(m.popTuple(1)), // TUPLE1
  0x86: (m) => m.push(m.popTuple(2)), // TUPLE2
  0x87: (m) => m.push(m.popTuple(3)), // TUPLE3
  0x74: (m) => m.push(m.popMark()), // TUPLE
  0x5d: (m) => m.push([]), // EMPTY_LIST
  0x61: (m) => m.append(m.popTuple(1)), // APPEND
  0x65: (m) => m.append(m.popMark()), // APPENDS
  0x7d: (m) => m.push(new Map()), // EMPTY_DICT
  0x73: (m) => m.setItems(m.popTuple(2)), // SETITEM
  0x75: (m) => m.setItems(m.popMark()), // SETITEMS
  0x71: (m) => m.remember(m.uint8()), // BINPUT
  0x72: (m) => m.remember(m.uint32()), // LONG_BINPUT
  0x94: (m) => m.remember(), // MEMOIZE
  0x68: (m) => m.recall(m.uint8()), // BINGET
  0x6a: (m) => m.recall(m.uint32()), // LONG_BINGET
  0x63: (m) => m.global(m.line(), m.line()), // GLOBAL
  0x93: (m) => m.global(...(m.popTuple(2) as [unknown, unknown])), // STACK_GLOBAL
  0x52: (m) => m.reduce(), // REDUCE
  0x51: (m) => m.persistent(), // BINPERSID
  0x62: (m) => m.build(), // BUILD
};
