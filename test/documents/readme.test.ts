// What the README and the guides show, copied out of them and run; and what they list, held complete.
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { guideExamples, readmeExamples } from '../support/readme.js';

const EMULATED = 'build/Release/retinanet_ops_cuda_emulated.so';
const GUIDES = readdirSync('docs').filter((name) => name.endsWith('.md'));

async function prints(t: ExecutionContext, name: string, code: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  // Inside the package's folder, so that its name resolves as it does for a user.
  mkdirSync('dist-dev/readme', { recursive: true });
  const file = `dist-dev/readme/${name.replaceAll(/\W+/g, '-')}.mjs`;
  writeFileSync(file, code);
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { ...process.env, ...env } });
  t.regex(stdout, /\d/);
  t.notRegex(stdout, /NaN|undefined/);
}

test('there are four examples', (t) => {
  t.is(readmeExamples().length, 4);
});

for (const [i, code] of readmeExamples().entries()) {
  test.serial(`example ${i + 1} runs and prints`, (t) => prints(t, `example-${i + 1}`, code));
}

test('every guide about programs shows some that run', (t) => {
  const shown = guideExamples().map(({ title }) => title);
  const isAboutPrograms = (name: string) => !['README.md', 'bundlers.md', 'paper.md'].includes(name);
  for (const page of GUIDES.filter(isAboutPrograms))
    t.true(
      shown.some((title) => title.startsWith(`docs/${page}`)),
      page,
    );
});

for (const { title, code, needsDevice } of guideExamples()) {
  // The emulated device is there on Linux alone.
  const run = needsDevice && process.platform !== 'linux' ? test.serial.skip : test.serial;
  run(`${title} runs and prints`, (t) =>
    prints(t, title, code, needsDevice ? { RETINANET_OPS_CUDA_LIBRARY: EMULATED } : {}),
  );
}

test('troubleshooting has a section for every error code, and no other', (t) => {
  const declared = readFileSync('dist/arguments/errors.d.ts', 'utf8');
  const codes = [...declared.matchAll(/'(ERR_\w+)'/g)].map(([, code]) => code!);
  const sections = [...readFileSync('docs/troubleshooting.md', 'utf8').matchAll(/^## (ERR_\w+)$/gm)];
  t.true(codes.length > 5);
  t.deepEqual(sections.map(([, code]) => code).sort(), [...codes].sort());
});

test('the index lists every guide, and links lead to files', (t) => {
  const index = readFileSync('docs/README.md', 'utf8');
  for (const page of GUIDES.filter((name) => name !== 'README.md')) t.true(index.includes(`(${page})`), page);
  for (const page of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...GUIDES.map((name) => `docs/${name}`)]) {
    for (const [, target] of readFileSync(page, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      t.notThrows(() => readFileSync(join(dirname(page), target!)), `${page}: ${target!}`);
  }
});
