// "Did you mean": what is near is suggested, and nothing else.
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { nms, setBackend, sigmoidFocalLoss } from 'retinanet-ops';

/** The name that a message suggests. */
function suggested(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return /did you mean '(.*)'\?/.exec((error as Error).message)?.[1];
  }
  throw new Error('nothing was refused');
}

const option = (name: string) =>
  suggested(() => sigmoidFocalLoss(new Float32Array(2), new Int32Array(1), { [name]: 1 }));
const nmsOption = (name: string) => suggested(() => nms(new Float32Array(4), new Float32Array(1), { [name]: 1 }));
const reduction = (name: string) =>
  suggested(() =>
    sigmoidFocalLoss(new Float32Array(2), new Int32Array(1), { numClasses: 2, reduction: name as 'sum' }),
  );
const backend = (name: string) =>
  suggested(() => {
    setBackend(name as 'cpu');
  });
const command = (name: string) =>
  /did you mean '(.*)'\?/.exec(
    spawnSync(process.execPath, ['dist/cli/main.js', name], { encoding: 'utf8' }).stderr,
  )?.[1];

const cases: [string, (name: string) => string | undefined, Record<string, string | undefined>][] = [
  [
    'options of the focal loss',
    option,
    {
      // A letter wrong, missing, too many; two swapped; another case or spelling.
      gama: 'gamma',
      gmama: 'gamma',
      gammma: 'gamma',
      Alpha: 'alpha',
      alhpa: 'alpha',
      numclasses: 'numClasses',
      num_classes: 'numClasses',
      'num-classes': 'numClasses',
      NUM_CLASSES: 'numClasses',
      classes: 'numClasses',
      numberOfClasses: 'numClasses',
      smoothing: 'labelSmoothing',
      label_smooth: 'labelSmoothing',
      normaliser: 'normalizer',
      redution: 'reduction',
      // Other words.
      device: undefined,
      learningRate: undefined,
      stream: undefined,
      xyz: undefined,
      k: undefined,
      '': undefined,
      a: undefined,
      ['alpha'.repeat(20)]: undefined,
    },
  ],
  [
    'options of nms',
    nmsOption,
    {
      iouThresh: 'iouThreshold',
      iou_threshold: 'iouThreshold',
      threshold: 'iouThreshold',
      iouTreshold: 'iouThreshold',
      sigma: undefined,
      gamma: undefined,
    },
  ],
  [
    'reductions',
    reduction,
    { Sum: 'sum', smu: 'sum', maen: 'mean', average: undefined, max: undefined, total: undefined },
  ],
  ['backends', backend, { CUDA: 'cuda', cdua: 'cuda', cup: 'cpu', gpu: undefined, wasm: undefined, webgl: undefined }],
  ['commands', command, { inform: 'info', ifno: 'info', biuld: 'build', train: undefined, version: undefined }],
];

for (const [title, suggest, names] of cases) {
  test(title, (t) => {
    for (const [name, expected] of Object.entries(names)) t.is(suggest(name), expected, name);
  });
}
