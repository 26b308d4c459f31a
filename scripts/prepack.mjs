// What `npm pack` and `npm publish` run first: dist/, prebuilds/ and the bill of materials as they belong into the package, made
// where they are missing or older than their sources, or a refusal that says what helps. RETINANET_OPS_PACK=host, which packing
// takes, is content with this machine's binary and makes it; =release, which publishing takes, wants those of every platform as they
// were gathered. Everything is said on standard error: standard output is npm's (`npm pack --json`).
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonOf, isOutdated } from './freshness.mjs';
import { HOST } from './toolchain.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64', 'linux-x64-musl', 'win32-x64'];

function fail(sentence) {
  console.error(`\nretinanet-ops: ${sentence}\n`);
  process.exit(1);
}

function run(script, ...args) {
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  const { status, error } = spawnSync(process.execPath, [join('scripts', script), ...args], options);
  if (error) throw error;
  if (status !== 0) fail(`not packed: scripts/${script} says why above.`);
}

const mode = process.env.RETINANET_OPS_PACK || (process.env.npm_command === 'publish' ? 'release' : 'host');
if (mode !== 'host' && mode !== 'release') fail(`RETINANET_OPS_PACK is 'host' or 'release', received '${mode}'.`);
try {
  for (const tool of ['typescript', 'prebuildify', 'cmake-js'])
    createRequire(import.meta.url).resolve(`${tool}/package.json`);
} catch {
  fail('packing needs the development dependencies: npm ci');
}

if (mode === 'host') run('prebuild.mjs', '--outdated');
const absent = PLATFORMS.filter((platform) => !addonOf(platform));
if (mode === 'release' && absent.length > 0)
  fail(
    `a release holds the binaries of every platform, and prebuilds/ lacks ${absent.join(', ')}. .github/workflows/prebuild.yml makes ` +
      "them (`npm run prebuild` this machine's); RETINANET_OPS_PACK=host publishes without.",
  );
run('build.mjs', 'dist');
run('sbom.mjs');

if (absent.length > 0)
  console.error(`WITHOUT the binaries for ${absent.join(', ')}: this package is good for ${HOST}.`);
for (const platform of PLATFORMS)
  if (mode === 'host' && addonOf(platform) && isOutdated(platform))
    console.error(`prebuilds/${platform} is OLDER than its sources: npm run prebuild -- ${platform}, or remove it`);
