// Settings in a file.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readTrainConfig } from 'retinanet-ops/retinanet';
import { temporary } from './squares.js';

/** Ten million values in a few letters. */
const BOMB =
  '[&a [1,1,1,1,1,1,1,1,1,1],&b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a],&c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b],*c,*c,*c]';

test('a file of settings: names and values by line', async (t) => {
  const folder = await temporary(t);
  const read = async (text: string, name = 'settings.yaml') => {
    await writeFile(join(folder, name), text);
    return readTrainConfig(join(folder, name));
  };
  t.deepEqual(
    await read('# mine\ndata: cells\nweights: ../first/best\nsteps: 20\naugment:\n  zoom: 1.5\npatience:\n'),
    {
      ...{ data: join(folder, 'cells'), weights: join(folder, '../first/best'), steps: 20 },
      augment: { zoom: 1.5 },
    },
  );
  t.deepEqual(await read('{"aspectRatios": [1, 2]}', 'settings.json'), { aspectRatios: [1, 2] });
  t.deepEqual(await read(''), {});
  await writeFile(join(folder, 'wide.yaml'), Buffer.from('\ufeffsteps: 20\r\n', 'utf16le'));
  t.deepEqual(await readTrainConfig(join(folder, 'wide.yaml')), { steps: 20 });
  for (const [text, code, message] of [
    [
      'steps: 20\nlearningrate: 1\n',
      'ERR_OPTION',
      /settings\.yaml:2, received 'learningrate' \(did you mean 'learningRate'/,
    ],
    ['seed: 1\n\nsteps: many\n', 'ERR_DTYPE', /an integer for steps \(.*settings\.yaml:3\), received 'many'/],
    ['seed: 1\naugment:\n  zoom: 9\n', 'ERR_RANGE', /augment \(.*settings\.yaml:2\).*augment\.zoom, received 9/],
    ['seed: 1\nsteps: [1\n', 'ERR_DATA', /YAML or JSON for .*settings\.yaml:[23], received text that is neither/],
    ['seed: 1\nseed: 2\n', 'ERR_DATA', /settings\.yaml:2, received text that is neither/],
    ['just text', 'ERR_DATA', /names and values for .*settings\.yaml, received something else/],
    ['steps: *many\n', 'ERR_DATA', /YAML or JSON for .*settings\.yaml, received aliases of no use \(.*many\)/],
    [`anchorScales: ${BOMB}`, 'ERR_DATA', /settings\.yaml, received aliases of no use/],
    ['seed: 1\naugment: no thanks\n', 'ERR_DTYPE', /augment \(.*settings\.yaml:2\).*received 'no thanks'/],
    ['data: 7', 'ERR_DTYPE', /a string for data \(.*settings\.yaml:1\), received 7/],
  ] as const) {
    await t.throwsAsync(read(text), { code, message }, text);
  }
});
