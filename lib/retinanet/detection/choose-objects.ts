// Which of a network's detections are objects in a picture.
import type { FoundObjects } from './draw-detections.js';

/** The first `most` that lie on the picture, not only beside it in the network's frame, and are of a class that counts. */
export function chooseObjects(found: FoundObjects, most: number, wanted?: ReadonlySet<number>): FoundObjects {
  const { boxes, labels } = found;
  const isOnPicture = (row: number) =>
    boxes[4 * row + 2]! > boxes[4 * row]! && boxes[4 * row + 3]! > boxes[4 * row + 1]!;
  return rowsOf(found, (row) => isOnPicture(row) && isWanted(labels, row, wanted), most);
}

/** All that are of a class that counts, also those beside the picture, which torchvision's detectors give as boxes on its border. */
export function chooseClasses(found: FoundObjects, wanted: ReadonlySet<number>): FoundObjects {
  return rowsOf(found, (row) => isWanted(found.labels, row, wanted), found.scores.length);
}

function isWanted(labels: Int32Array, row: number, wanted: ReadonlySet<number> | undefined): boolean {
  return wanted === undefined || wanted.has(labels[row]!);
}

function rowsOf({ boxes, scores, labels }: FoundObjects, keeps: (row: number) => boolean, most: number): FoundObjects {
  const rows = Array.from(scores.keys()).filter(keeps).slice(0, most);
  return {
    boxes: Float32Array.from(rows.flatMap((row) => Array.from(boxes.subarray(4 * row, 4 * row + 4)))),
    scores: Float32Array.from(rows, (row) => scores[row]!),
    labels: Int32Array.from(rows, (row) => labels[row]!),
  };
}
