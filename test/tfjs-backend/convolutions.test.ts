// Convolutions on the native backend beside float64, on every instruction set that this processor has.
import test from 'ava';
import { instructionSets } from '../support/instruction-sets.js';
import { runScript } from '../support/child.js';

for (const name of instructionSets) {
  test(`depthwise convolutions, their gradients, fused activations and biases: ${name}`, (t) => {
    const script = '../tfjs-backend/scripts/convolutions.js';
    const { status, stdout, stderr } = runScript(script, [], { RETINANET_OPS_CPU: name });
    t.is(status, 0, stderr);
    const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
      instructionSet: string;
      checked: number;
      wrong: string[];
    };
    t.is(result.instructionSet, name);
    t.true(result.checked > 300);
    t.deepEqual(result.wrong, []);
  });
}
