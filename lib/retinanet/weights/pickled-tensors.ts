// The tensors of a pickle that torch.save wrote. Their numbers lie elsewhere in the file.
import { isMap, PickleError, type PickleHost, unpickle } from './pickle.js';
import {
  sizeOfShape,
  spanOf,
  type Storage,
  type StoredTensor,
  type StoredTensors,
  type StoredType,
} from './tensors.js';

const STORAGES: Readonly<Record<string, StoredType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/** A checkpoint may hold a state_dict under one of these, with what belongs to its training beside it. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model'];

class TypeOfStorage {
  constructor(readonly type: StoredType) {}
}
type Callable = 'OrderedDict' | '_rebuild_tensor_v2' | '_rebuild_parameter';
const CALLABLES: Readonly<Record<string, Callable>> = {
  'collections.OrderedDict': 'OrderedDict',
  'torch._utils._rebuild_tensor_v2': '_rebuild_tensor_v2',
  'torch._utils._rebuild_parameter': '_rebuild_parameter',
};

/** What torch.save's pickles may name; storages by their keys, whose places in the file the caller fills in. */
export class TensorPickle implements PickleHost {
  readonly storages = new Map<string, Storage>();
  readonly #tensors = new WeakSet<object>();
  readonly #storages = new WeakSet<object>();
  /** Lists of pairs that an OrderedDict was made of: making many of one would cost more than the file's size. */
  readonly #pairs = new WeakSet<object>();

  global(module: string, name: string): unknown {
    const path = `${module}.${name}`;
    if (Object.hasOwn(CALLABLES, path)) return CALLABLES[path];
    if (module === 'torch' && Object.hasOwn(STORAGES, name)) return new TypeOfStorage(STORAGES[name]!);
    throw new PickleError(
      'tensors and plain values, as torch.save(model.state_dict(), FILE) writes them',
      `one that needs ${JSON.stringify(path.slice(0, 200))}, which is not run`,
    );
  }

  persistent(id: unknown): Storage {
    const [tag, type, key, , length, view] = Array.isArray(id) ? (id as unknown[]) : [];
    const isStorage =
      tag === 'storage' && isTypeOfStorage(type) && typeof key === 'string' && !Number.isNaN(sizeOfShape([length]));
    if (!isStorage || (view !== undefined && view !== null))
      throw new PickleError('storages of tensors', 'another reference');
    const known = this.storages.get(key);
    const storage = known ?? { type: type.type, length: length as number, start: NaN };
    if (storage.type !== type.type || storage.length !== length) {
      throw new PickleError(`one type and length of the storage ${JSON.stringify(key)}`, 'two');
    }
    this.storages.set(key, storage);
    this.#storages.add(storage);
    return storage;
  }

  call(callable: unknown, args: readonly unknown[]): unknown {
    switch (callable as Callable) {
      case 'OrderedDict':
        return this.#orderedDict(args);
      case '_rebuild_tensor_v2':
        return this.#tensor(args);
      case '_rebuild_parameter':
        if (this.isTensor(args[0])) return args[0];
    }
    throw new PickleError('calls that make tensors', 'another');
  }

  /** OrderedDict() or, of Python 2, OrderedDict([[key, value], ...]). */
  #orderedDict([pairs = []]: readonly unknown[]): Map<unknown, unknown> {
    if (
      !Array.isArray(pairs) ||
      this.#pairs.has(pairs) ||
      !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)
    ) {
      throw new PickleError('pairs for an OrderedDict', 'another value');
    }
    this.#pairs.add(pairs);
    return new Map(pairs as [unknown, unknown][]);
  }

  isTensor(value: unknown): value is StoredTensor {
    return typeof value === 'object' && value !== null && this.#tensors.has(value);
  }

  #tensor([storage, offset, shape, strides]: readonly unknown[]): StoredTensor {
    if (typeof storage !== 'object' || storage === null || !this.#storages.has(storage)) {
      throw new PickleError('a tensor on a storage', 'one without');
    }
    const { length } = storage as Storage;
    if (!isSizes(shape) || !isSizes(strides) || shape.length !== strides.length || !isSizes([offset])) {
      throw new PickleError('offset, shape and strides of a tensor, whole numbers >= 0', 'others');
    }
    const tensor: StoredTensor = { storage: storage as Storage, offset: offset as number, shape, strides };
    // Elements that share memory could make a tensor of any size from a small file.
    if (!(tensor.offset + spanOf(tensor) <= length && sizeOfShape(shape) <= length)) {
      const place = `offset ${String(offset)}, shape ${JSON.stringify(shape)} and strides ${JSON.stringify(strides)}`;
      throw new PickleError(`a tensor within its storage of ${String(length)} numbers`, place);
    }
    this.#tensors.add(tensor);
    return tensor;
  }
}

/** Of so few dimensions as PyTorch's tensors have at most in files. */
function isSizes(values: unknown): values is number[] {
  return Array.isArray(values) && values.length <= 16 && values.every((one) => !Number.isNaN(sizeOfShape([one])));
}

function isTypeOfStorage(value: unknown): value is TypeOfStorage {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'type') && !Array.isArray(value);
}

/** The tensors of the state_dict that a pickle is or has, and where the pickle ends. */
export function readTensorPickle(
  bytes: Uint8Array,
  start = 0,
): { tensors: StoredTensors; storages: Map<string, Storage>; end: number } {
  const host = new TensorPickle();
  const { value, end } = unpickle(bytes, host, start);
  let dict = value;
  for (let depth = 0; depth < 3 && isMap(dict); depth++) {
    const outer: Map<unknown, unknown> = dict;
    const inner = WRAPPERS.map((name) => outer.get(name)).find(isMap);
    if (inner === undefined) break;
    dict = inner;
  }
  if (!isMap(dict)) throw new PickleError('a state_dict', 'a pickle of something else');
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of dict) if (typeof name === 'string' && host.isTensor(tensor)) tensors.set(name, tensor);
  return { tensors, storages: host.storages, end };
}
