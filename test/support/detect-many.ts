// Detects in one picture many times; prints the resident size after a fifth of them and at the end: MODEL PICTURE COUNT.
import { detectFiles, loadRetinaNet, useNativeBackend } from 'retinanet-ops/retinanet';

const [model = '', picture = '', count = '0'] = process.argv.slice(2);
await useNativeBackend();
const net = await loadRetinaNet(model);
const files = Array<string>(Number(count)).fill(picture);
let [done, early, late] = [0, 0, 0];
for await (const _ of detectFiles(net, files)) {
  done++;
  const { rss } = process.memoryUsage();
  if (done <= files.length / 5) early = Math.max(early, rss);
  else late = Math.max(late, rss);
}
process.stdout.write(JSON.stringify({ early, late }));
