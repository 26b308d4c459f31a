// The same operations off the main thread: the event loop goes on meanwhile.
import { AnchorGrid, assignAnchors } from 'retinanet-ops/promises';

const anchors = new AnchorGrid({ imageHeight: 1024, imageWidth: 1024 });
const images = [Float32Array.of(100, 120, 260, 300), Float32Array.of(400, 50, 480, 90, /**/ 10, 10, 200, 220)];
const assignments = await Promise.all(
  images.map((boxes) => assignAnchors(anchors, boxes, new Int32Array(boxes.length / 4))),
);
for (const { numPositives, unmatchedGt } of assignments)
  console.log(`${numPositives} of ${anchors.count} anchors are positive, ${unmatchedGt.length} boxes have none`);

// Bad input rejects, with the argument and the row.
await assignAnchors(anchors, Float32Array.of(0, 0, 5, 5, /**/ 9, 9, 3, 3), Int32Array.of(0, 0)).catch((error) => {
  console.log(`${error.code}: ${error.message}`);
});
