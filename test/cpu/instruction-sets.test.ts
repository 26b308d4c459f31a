// Every instruction set that this processor has, each in a process of its own: the choice is made once a process.
import { backendInfo } from 'retinanet-ops';
import test from 'ava';
import { cases } from '../operations/driver/cases.js';
import { runScript } from '../support/child.js';
import { instructionSets } from '../support/instruction-sets.js';

test('the best instruction set is the default, and known', (t) => {
  t.true(instructionSets.length > 0, backendInfo().cpu.instructionSet);
});

for (const name of instructionSets) {
  test(`focal loss and gradient keep to float64 at every exponent: ${name}`, (t) => {
    const { status, stdout, stderr } = runScript('sweep-focal-loss.js', [], { RETINANET_OPS_CPU: name });
    t.is(status, 0, stderr);
    const result = JSON.parse(stdout) as {
      instructionSet: string;
      logits: number;
      relative: number;
      ulps: number;
      where: string;
      sumError: number;
    };
    t.is(result.instructionSet, name);
    t.log(`${String(result.logits)} logits: at most ${result.relative.toExponential(2)} off`);
    t.log(`(${result.ulps.toFixed(1)} ulp): ${result.where}; sums ${result.sumError.toExponential(1)}`);
    t.true(result.relative <= 1e-6, result.where);
    t.true(result.sumError <= 1e-7);
  });

  test(`focal loss and gradient far from what training sees: ${name}`, (t) => {
    const { status, stdout, stderr } = runScript('sweep-focal-extremes.js', [], { RETINANET_OPS_CPU: name });
    t.is(status, 0, stderr);
    const result = JSON.parse(stdout) as { instructionSet: string; calls: number; wrong: string[] };
    t.is(result.instructionSet, name);
    t.true(result.calls >= 1000);
    t.deepEqual(result.wrong, []);
  });

  test(`every operation is its reference, and in place what it is beside: ${name}`, (t) => {
    const { status, stdout, stderr } = runScript('../operations/driver/check-all.js', [], { RETINANET_OPS_CPU: name });
    t.is(status, 0, stderr);
    const result = JSON.parse(stdout) as { instructionSet: string; checked: Record<string, number>; wrong: string[] };
    t.is(result.instructionSet, name);
    t.deepEqual(
      Object.keys(result.checked),
      cases.map((c) => c.name),
    );
    for (const count of Object.values(result.checked)) t.true(count >= 60);
    t.deepEqual(result.wrong, []);
  });
}

test('an instruction set that does not exist is refused by name', (t) => {
  const { status, stdout } = runScript('refused-instruction-set.js', [], { RETINANET_OPS_CPU: 'avx9' });
  t.is(status, 0);
  t.regex(stdout, /^ERR_BACKEND .*RETINANET_OPS_CPU/);
});
