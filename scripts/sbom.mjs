// `npm run sbom`: sbom.cdx.json, a CycloneDX bill of materials of the package as it would be packed now. npm knows the packages
// that installing it brings; what is linked into the binaries of prebuilds/ is read from them. The same input gives the same bytes.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** npm's own bill: metadata, components and dependencies of everything in package-lock.json. */
function npmBill() {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, shell: process.platform === 'win32' };
  const { status, stdout, stderr, error } = spawnSync('npm', args, options);
  if (error || status !== 0) throw error ?? new Error(`npm sbom: ${stderr}`);
  return JSON.parse(stdout);
}

/** Only what `dependencies` leads to: npm's --omit=dev loses a package that a development dependency needs as well. */
function installed(bill) {
  const edges = new Map(bill.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn ?? []]));
  const named = (ref) => bill.components.find((component) => component['bom-ref'] === ref);
  const refs = new Set(edges.get(`${own.name}@${own.version}`).filter((ref) => own.dependencies[named(ref)?.name]));
  for (const ref of refs) for (const next of edges.get(ref) ?? []) refs.add(next);
  return [...refs].sort().map((ref) => {
    const component = { ...named(ref) };
    delete component.properties; // how this checkout came by it, which says nothing about the package
    return component;
  });
}

/** Compressed kernels hide the version that nvcc leaves in a binary; then it is that of the nvcc on this machine, if any. */
function cudaVersion(text) {
  const says = /Cuda compilation tools, release [\d.]+, V([\d.]+)/;
  return says.exec(text)?.[1] ?? says.exec(spawnSync('nvcc', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
}

function library(name, version, licence, supplier) {
  const ref = version === undefined ? name : `${name}@${version}`;
  return { type: 'library', 'bom-ref': ref, supplier: { name: supplier }, name, version, ...licence };
}

/** The libraries inside of a binary, as far as its compiler's signature tells. */
function linked(file, bytes) {
  const text = bytes.toString('latin1');
  const exception = { licenses: [{ expression: 'GPL-3.0-or-later WITH GCC-exception-3.1' }] };
  const parts = [];
  const gcc = /GCC: \(([^)]*)\) ([\d.]+)/.exec(text);
  if (gcc)
    for (const [name, shared] of [
      ['libstdc++', 'libstdc++.so.6'],
      ['libgcc', 'libgcc_s.so.1'],
    ])
      if (!text.includes(shared))
        parts.push(library(name, `${gcc[2]} (${gcc[1]})`, exception, 'Free Software Foundation'));
  if (file.endsWith('_cuda.so')) {
    const licence = { licenses: [{ license: { name: 'NVIDIA CUDA Toolkit EULA, Attachment A (redistributable)' } }] };
    parts.push(library('cudart_static', cudaVersion(text), licence, 'NVIDIA'));
  }
  if (text.includes('Mingw-w64 runtime')) {
    for (const name of ['libstdc++', 'libgcc'])
      parts.push(library(name, undefined, exception, 'Free Software Foundation'));
    // Its start is in the public domain; SMLNJ is that of gdtoa, with which numbers are printed.
    const licence = (expression) => ({ licenses: [{ expression }] });
    parts.push(library('mingw-w64 runtime', undefined, licence('ZPL-2.1 AND SMLNJ'), 'mingw-w64'));
    parts.push(library('winpthreads', undefined, licence('MIT AND BSD-3-Clause'), 'mingw-w64, Lockless Inc.'));
  } else if (file.includes('win32')) {
    const header = bytes.readUInt32LE(0x3c) + 24; // the optional header of a PE file, whose second field is the linker's version
    const version = `${bytes[header + 2]}.${bytes[header + 3]}`;
    const licence = { licenses: [{ license: { name: 'Microsoft Visual Studio licence, distributable code' } }] };
    parts.push(library('msvc-runtime', version, licence, 'Microsoft'));
  }
  return parts;
}

function binaries() {
  if (!existsSync(join(root, 'prebuilds'))) return [];
  const files = readdirSync(join(root, 'prebuilds'), { recursive: true }).map((file) => file.replaceAll('\\', '/'));
  return files
    .filter((file) => /\.(node|so)$/.test(file))
    .sort()
    .map((file) => {
      const bytes = readFileSync(join(root, 'prebuilds', file));
      const hashes = [{ alg: 'SHA-256', content: createHash('sha256').update(bytes).digest('hex') }];
      const name = `prebuilds/${file}`;
      return { component: { type: 'file', 'bom-ref': name, name, hashes }, parts: linked(file, bytes) };
    });
}

const bill = npmBill();
const packages = installed(bill);
const files = binaries();
const libraries = new Map(files.flatMap(({ parts }) => parts.map((part) => [part['bom-ref'], part])));
const headers = packages.find(({ name }) => name === 'node-addon-api')['bom-ref'];
const self = bill.metadata.component['bom-ref'];

delete bill.metadata.timestamp;
bill.metadata.component.name = own.name; // npm takes the folder's
bill.components = [...packages, ...files.map(({ component }) => component), ...libraries.values()];
const leaves = [...packages.map((component) => component['bom-ref']), ...libraries.keys()];
bill.dependencies = [
  { ref: self, dependsOn: [...packages.map((c) => c['bom-ref']), ...files.map(({ component }) => component.name)] },
  ...files.map(({ component, parts }) => ({
    ref: component.name,
    dependsOn: [...(component.name.endsWith('.node') ? [headers] : []), ...parts.map((part) => part['bom-ref'])],
  })),
  ...leaves.map((ref) => ({ ref, dependsOn: bill.dependencies.find((edge) => edge.ref === ref)?.dependsOn ?? [] })),
];
delete bill.serialNumber;
const digest = createHash('sha256').update(JSON.stringify(bill)).digest('hex');
// A version 8 UUID: its bits are ours to choose, so the contents choose them.
bill.serialNumber = `urn:uuid:${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
// At once, for whoever reads it meanwhile.
const file = join(root, 'sbom.cdx.json');
writeFileSync(`${file}.${process.pid}`, JSON.stringify(bill, null, 2) + '\n');
renameSync(`${file}.${process.pid}`, file);
console.log(
  `sbom.cdx.json: ${packages.length} packages, ${files.length} binaries, ${libraries.size} libraries in them`,
);
