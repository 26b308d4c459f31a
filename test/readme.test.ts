// The README's examples, copied out of it and run.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import test from 'ava';

const blocks = [...readFileSync('README.md', 'utf8').matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]!);
const complete = blocks.filter((code) => !code.includes('retinanet-ops/retinanet'));

test('there are three examples that stand alone', (t) => {
  t.is(complete.length, 3);
});

for (const [i, code] of complete.entries()) {
  test(`example ${i + 1} runs and prints`, async (t) => {
    // Inside the package's folder, so that its name resolves as it does for a user.
    mkdirSync('dist-dev/readme', { recursive: true });
    const file = `dist-dev/readme/example-${i + 1}.mjs`;
    writeFileSync(file, code);
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    t.regex(stdout, /\d/);
    t.notRegex(stdout, /NaN|undefined/);
  });
}
