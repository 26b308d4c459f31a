// What the scripts work out that contributors rely on: which tests a name means, and that no compiled file is left of a deleted source.
import test from 'ava';

interface Scripts {
  testsOf: (name: string) => string[];
  outputsOf: (out: string) => { missing: string[]; stale: string[] };
}
const load = async (file: string) =>
  (await import(new URL(`../../../scripts/${file}`, import.meta.url).href)) as Scripts;

test('a test, its compiled file, a source, a page and a part of a name lead to test files', async (t) => {
  const { testsOf } = await load('choose-tests.mjs');
  const names = (name: string) => testsOf(name).map((file) => file.slice(file.lastIndexOf('/') + 1));
  const own = 'test/documents/scripts.test.ts';
  t.deepEqual(testsOf(own), ['dist-dev/test/documents/scripts.test.js']);
  t.deepEqual(testsOf('dist-dev/test/documents/scripts.test.js'), ['dist-dev/test/documents/scripts.test.js']);
  t.true(names('docs/bundlers.md').includes('bundlers.test.js'));
  t.true(names('README.md').includes('readme.test.js'));
  t.true(names('lib/retinanet/training/train.ts').includes('train.test.js'));
  t.true(names('test/retinanet/scenes.ts').includes('train.test.js'), 'what a test imports');
  t.true(
    testsOf('lib/tfjs/engine.ts').every((file) => file.includes('/tfjs/')),
    'no file of that name: its folder',
  );
  t.deepEqual(testsOf('zzz'), []);
});

test('what is compiled is all there, and nothing else', async (t) => {
  const { outputsOf } = await load('freshness.mjs');
  for (const out of ['dist', 'dist-dev']) t.deepEqual(outputsOf(out), { missing: [], stale: [] });
});
