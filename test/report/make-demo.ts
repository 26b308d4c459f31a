// TEMPORARY
import { rm } from 'node:fs/promises';
import { saveRetinaNet, useNativeBackend, writeReport } from 'retinanet-ops/retinanet';
import { drawDataset, trainDemo } from './demo.js';
await useNativeBackend();
const options = {
  classes: ['circle', 'square', 'triangle', 'ring'],
  pictures: [120, 40] as [number, number],
  steps: Number(process.argv[2]),
  validateEvery: Number(process.argv[3]),
};
await rm('/tmp/rdemo', { recursive: true, force: true });
const t0 = Date.now();
const dataset = await drawDataset('/tmp/rdemo/data', options);
const net = await trainDemo('/tmp/rdemo/run', dataset, options);
console.log('trained', Date.now() - t0);
await saveRetinaNet(net, '/tmp/rdemo/run/best');
console.log(await writeReport('/tmp/rdemo/run', { net, dataset }), Date.now() - t0);
