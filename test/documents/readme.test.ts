// The README's examples, copied out of it and run.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import test from 'ava';
import { readmeExamples } from '../support/readme.js';

test('there are four examples', (t) => {
  t.is(readmeExamples().length, 4);
});

for (const [i, code] of readmeExamples().entries()) {
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
