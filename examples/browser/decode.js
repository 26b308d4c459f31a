// From the outputs of an exported detector to detections, in plain JavaScript: for pages that have none of retinanet-ops.

/**
 * @param {ArrayLike<number>} logits [A, K]
 * @param {ArrayLike<number>} deltas [A, 4]
 * @param metadata `userDefinedMetadata` of model.json
 * @returns {{ box: number[], score: number, label: number }[]} boxes x1, y1, x2, y2 in pixels of the network's input, by falling score
 */
export function decode(logits, deltas, { config, anchors, selection }) {
  const { numClasses, imageWidth, imageHeight } = config;
  const { scoreThreshold, topK, iouThreshold, classAgnostic, maxDetections } = selection;
  const candidates = [];
  let row = 0;
  for (const [level, stride] of anchors.strides.entries()) {
    const ofLevel = [];
    for (let y = 0; y < Math.ceil(imageHeight / stride); y++) {
      for (let x = 0; x < Math.ceil(imageWidth / stride); x++) {
        for (const scale of anchors.scales) {
          for (const ratio of anchors.aspectRatios) {
            const side = anchors.baseSizes[level] * scale;
            const size = [side / Math.sqrt(ratio), side * Math.sqrt(ratio)];
            for (let label = 0; label < numClasses; label++) {
              const score = 1 / (1 + Math.exp(-logits[row * numClasses + label]));
              if (score > scoreThreshold) ofLevel.push({ row, label, score, stride, at: [x, y], size });
            }
            row++;
          }
        }
      }
    }
    candidates.push(...ofLevel.sort((a, b) => b.score - a.score).slice(0, topK));
  }

  const limits = [imageWidth, imageHeight];
  const edgesOf = ({ row, at, size, stride }) => {
    const edges = [0, 0, 0, 0];
    for (let axis = 0; axis < 2; axis++) {
      const middle = (at[axis] + 0.5) * stride + deltas[4 * row + axis] * size[axis];
      const half = (size[axis] * Math.exp(Math.min(deltas[4 * row + 2 + axis], Math.log(1000 / 16)))) / 2;
      edges[axis] = Math.min(Math.max(middle - half, 0), limits[axis]);
      edges[axis + 2] = Math.min(Math.max(middle + half, 0), limits[axis]);
    }
    return edges;
  };
  const kept = [];
  for (const candidate of candidates.sort((a, b) => b.score - a.score)) {
    if (kept.length === maxDetections) break;
    const { label, score } = candidate;
    const box = edgesOf(candidate);
    const isTaken = (other) => (classAgnostic || other.label === label) && overlap(box, other.box) > iouThreshold;
    if (box.every(Number.isFinite) && !kept.some(isTaken)) kept.push({ box, score, label });
  }
  return kept;
}

/** Intersection over union. */
function overlap(a, b) {
  const along = (axis) => Math.max(0, Math.min(a[axis + 2], b[axis + 2]) - Math.max(a[axis], b[axis]));
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const both = along(0) * along(1);
  return both / (area(a) + area(b) - both);
}
