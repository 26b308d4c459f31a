// Runs the bundle of tfjs-core's tests that the first argument names; the last line of output says what came of it.
import jasmineCore from 'jasmine-core';
import { pathToFileURL } from 'node:url';

jasmineCore.installGlobals();
const environment = jasmineCore.jasmine.getEnv();
// Several describe blocks of theirs have one name.
environment.configure({ random: false, forbidDuplicateNames: false });
let specs = 0;
let pending = 0;
const failed: string[] = [];
environment.addReporter({
  specDone({ fullName, status, failedExpectations }) {
    specs++;
    if (status === 'pending') pending++;
    if (status === 'failed') failed.push(`${fullName}: ${failedExpectations[0]?.message ?? ''}`.slice(0, 300));
  },
});
await import(pathToFileURL(process.argv[2] ?? '').href);
await environment.execute();
console.log(JSON.stringify({ specs, pending, failed }));
