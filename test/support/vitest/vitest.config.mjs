const project = (name, deps = {}) => ({
  test: { name, pool: 'vmThreads', include: [`${name}.spec.mjs`], server: { deps }, testTimeout: 300_000 },
});

export default { test: { projects: [project('operations'), project('reset', { inline: [/retinanet-ops/] })] } };
