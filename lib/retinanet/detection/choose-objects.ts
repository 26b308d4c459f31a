// Which of a network's detections are objects in a picture.
import type { FoundObjects } from './draw-detections.js';

/** The first `most` that lie on the picture, not only beside it in the network's frame, and are of a class that counts. */
export function chooseObjects(
  { boxes, scores, labels }: FoundObjects,
  most: number,
  wanted?: ReadonlySet<number>,
): FoundObjects {
  const rows = Array.from(scores.keys())
    .filter((row) => boxes[4 * row + 2]! > boxes[4 * row]! && boxes[4 * row + 3]! > boxes[4 * row + 1]!)
    .filter((row) => wanted === undefined || wanted.has(labels[row]!))
    .slice(0, most);
  return {
    boxes: Float32Array.from(rows.flatMap((row) => Array.from(boxes.subarray(4 * row, 4 * row + 4)))),
    scores: Float32Array.from(rows, (row) => scores[row]!),
    labels: Int32Array.from(rows, (row) => labels[row]!),
  };
}
