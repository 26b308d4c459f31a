import test from 'ava';
import { spawnSync } from 'node:child_process';
import * as ops from 'retinanet-ops';

const use = `
  const grid = new ops.AnchorGrid({ imageHeight: 64, imageWidth: 64, strides: [8] });
  promises.boxIou(grid.boxes(), ops.encodeBoxes(grid, grid.boxes())).then((iou) => {
    console.log(iou.constructor.name, ops.RetinanetOpsError === promises.RetinanetOpsError, Object.keys(ops).length);
  });
`;

function run(t: import('ava').ExecutionContext, args: string[], script: string): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args, '-e', script], { encoding: 'utf8' });
  t.is(status, 0, stderr);
  t.is(stdout, `Float32Array true ${Object.keys(ops).length}\n`);
}

test('import loads the package and its subpaths', (t) => {
  const script = `import * as ops from 'retinanet-ops'; import * as promises from 'retinanet-ops/promises'; ${use}`;
  run(t, ['--input-type=module'], script);
});

test('require loads the package and its subpaths', (t) => {
  const script = `const ops = require('retinanet-ops'); const promises = require('retinanet-ops/promises'); ${use}`;
  run(t, ['--input-type=commonjs', '--no-warnings'], script);
});

test('import and require give one module', (t) => {
  const script = `const promises = require('retinanet-ops/promises');
    import('retinanet-ops').then((ops) => {
      if (ops.nms !== require('retinanet-ops').nms) throw new Error('two modules');
      ${use}
    });`;
  run(t, ['--input-type=commonjs', '--no-warnings'], script);
});

test('what the package does not export cannot be reached', (t) => {
  const script = `for (const path of ['validate.js', 'dist/index.js', 'native'])
    try { require('retinanet-ops/' + path); process.exit(3); } catch (e) { if (e.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw e; }
    require('retinanet-ops/package.json');`;
  const { status, stderr } = spawnSync(process.execPath, ['--no-warnings', '-e', script], { encoding: 'utf8' });
  t.is(status, 0, stderr);
});
