// All that calls node-gyp-build. In CommonJS and in these words, because file tracers and bundlers look for them and take the
// binary along; and required late, so that what fails in it fails where it can be caught: in esbuild's ES modules require() fails.

interface NodeGypBuild {
  (folder: string): unknown;
  resolve(folder: string): string;
}

/** The addon for this platform in a package's folder. Throws where there is none. */
function choose(folder: string): string {
  return (require('node-gyp-build') as NodeGypBuild).resolve(folder);
}

/** Loads the one that is chosen in this package's folder. */
function load(): unknown {
  return (require('node-gyp-build') as NodeGypBuild)(`${__dirname}/../..`);
}

export = { choose, load };
