// From a network's two outputs to detections, within an ONNX graph: what decodeDetections does, for one image.
import type { Checked } from '../../arguments/options.js';
import type { SELECTION } from '../../operations/decode-detections.js';
import type { NetParts } from '../model/net.js';
import type { OnnxGraph } from './onnx-graph.js';

type Selection = Checked<typeof SELECTION>;

/** As in native/math/box_coder.h: log(1000 / 16). */
const LARGEST_LOG_SIZE = Math.log(1000 / 16);

/** Adds what gives boxes [D, 4], scores [D] and labels [D] by falling score from logits [1, A, K] and deltas [1, A, 4]. */
export function addDetections(
  graph: OnnxGraph,
  [logits, deltas]: [string, string],
  { anchors, config }: Pick<NetParts, 'anchors' | 'config'>,
  selection: Selection,
): { boxes: string; scores: string; labels: string } {
  const { numClasses } = config;
  const { boxes, isBox } = addDecoding(graph, deltas, { anchors, config });
  const squeezed = graph.node('Reshape', [graph.node('Sigmoid', [logits]), graph.ints([-1, numClasses])]);
  // What is no number is never greater than the threshold either: TopK would have no order for it.
  const isNumber = graph.node('Not', [graph.node('IsNaN', [squeezed])]);
  const allScores = graph.node('Where', [graph.node('And', [isNumber, isBox]), squeezed, graph.float(-1)]);

  const candidates = addCandidates(graph, allScores, { anchors, config }, selection.topK);
  const ofClasses = graph.ints([numClasses], true);
  const anchor = graph.node('Div', [candidates.index, ofClasses]);
  const label = graph.node('Mod', [candidates.index, ofClasses]);
  const itsBoxes = graph.node('Gather', [boxes, anchor]);

  const kept = addSuppression(graph, { boxes: itsBoxes, scores: candidates.scores, label }, numClasses, selection);
  const keptScores = graph.node('Gather', [candidates.scores, kept]);
  const count = graph.node('Min', [graph.node('Shape', [kept]), graph.ints([selection.maxDetections])]);
  const [scores, places] = graph.nodeOf('TopK', [keptScores, count], 2) as [string, string];
  const rows = graph.node('Gather', [kept, places]);
  return { boxes: graph.node('Gather', [itsBoxes, rows]), scores, labels: graph.node('Gather', [label, rows]) };
}

/** Boxes [A, 4] within the image, and whether each was finite before [A, 1]. In the order of native/math/box_coder.h. */
function addDecoding(graph: OnnxGraph, deltas: string, { anchors, config }: Pick<NetParts, 'anchors' | 'config'>) {
  const edges = anchors.boxes();
  const sizes = new Float32Array(edges.length / 2);
  const centers = new Float32Array(edges.length / 2);
  for (let a = 0; a < edges.length / 4; a++) {
    for (let axis = 0; axis < 2; axis++) {
      const low = edges[4 * a + axis]!;
      const size = Math.fround(edges[4 * a + axis + 2]! - low);
      sizes[2 * a + axis] = size;
      centers[2 * a + axis] = low + Math.fround(0.5 * size);
    }
  }
  const dims = [edges.length / 4, 2];
  const size = graph.floats('anchor_sizes', dims, sizes);
  const center = graph.floats('anchor_centers', dims, centers);

  const given = graph.node('Reshape', [deltas, graph.ints([-1, 4])]);
  const weights = Float32Array.from(config.coderWeights);
  const isWeighted = weights.some((weight) => weight !== 1);
  const rows = isWeighted ? graph.node('Div', [given, graph.floats('coder_weights', [4], weights)]) : given;
  const [shift, logSize] = graph.nodeOf('Split', [rows, graph.ints([2, 2])], 2, { axis: 1 }) as [string, string];
  const middle = graph.node('Add', [graph.node('Mul', [shift, size]), center]);
  const bounded = graph.node('Min', [logSize, graph.float(LARGEST_LOG_SIZE)]);
  const half = graph.node('Mul', [graph.float(0.5), graph.node('Mul', [graph.node('Exp', [bounded]), size])]);
  const corners = [graph.node('Sub', [middle, half]), graph.node('Add', [middle, half])];
  const decoded = graph.node('Concat', corners, { axis: 1 });
  const both = graph.node('Concat', [rows, decoded], { axis: 1 });
  // A number less itself is 0; what is infinite or no number is not.
  const isFinite = graph.node('Equal', [graph.node('Sub', [both, both]), graph.float(0)]);
  const all = graph.node('ReduceMin', [graph.node('Cast', [isFinite], { to: 1 })], { axes: [1], keepdims: 1 });
  const { imageWidth, imageHeight } = config;
  const high = Float32Array.of(imageWidth, imageHeight, imageWidth, imageHeight);
  const boxes = graph.node('Min', [
    graph.node('Max', [decoded, graph.float(0)]),
    graph.floats('image_size', [4], high),
  ]);
  return { boxes, isBox: graph.node('Cast', [all], { to: 9 }) };
}

/** The best `topK` scores of each level and their indices among all [A, K]. */
function addCandidates(
  graph: OnnxGraph,
  scores: string,
  { anchors, config }: Pick<NetParts, 'anchors' | 'config'>,
  topK: number,
) {
  const parts = anchors.levels.map(({ offset, count }) => {
    const [from, to] = [graph.ints([offset]), graph.ints([offset + count])];
    const level = graph.node('Reshape', [graph.node('Slice', [scores, from, to, graph.ints([0])]), graph.ints([-1])]);
    const most = graph.ints([Math.min(topK, count * config.numClasses)]);
    const [best, index] = graph.nodeOf('TopK', [level, most], 2) as [string, string];
    return [best, graph.node('Add', [index, graph.ints([offset * config.numClasses], true)])] as const;
  });
  const joined = (column: 0 | 1) => {
    const values = parts.map((part) => part[column]);
    return values.length === 1 ? values[0]! : graph.node('Concat', values, { axis: 0 });
  };
  return { scores: joined(0), index: joined(1) };
}

/** The candidates that no better one of their class suppresses, in their order. */
function addSuppression(
  graph: OnnxGraph,
  { boxes, scores, label }: { boxes: string; scores: string; label: string },
  numClasses: number,
  { scoreThreshold, iouThreshold, classAgnostic, maxDetections }: Selection,
): string {
  // The scores of candidates in their own class, [K, N]; in others none is above the threshold.
  const inTheirClass = () => {
    const classes = graph.ints(Array.from({ length: numClasses }, (_, k) => k));
    const own = graph.node('Equal', [graph.node('Unsqueeze', [classes, graph.ints([1])]), label]);
    return graph.node('Where', [own, scores, graph.float(-1)]);
  };
  const byClass = classAgnostic ? graph.node('Unsqueeze', [scores, graph.ints([0])]) : inTheirClass();
  const [batch, most] = [graph.ints([0]), graph.ints([maxDetections])];
  const limits = [most, graph.float(iouThreshold), graph.float(scoreThreshold)];
  const inputs = [graph.node('Unsqueeze', [boxes, batch]), graph.node('Unsqueeze', [byClass, batch]), ...limits];
  const selected = graph.node('NonMaxSuppression', inputs);
  const column = graph.node('Gather', [selected, graph.ints([2], true)], { axis: 1 });
  // Back into the order of candidates, by which equal scores rank.
  const count = graph.node('Shape', [column]);
  return graph.nodeOf('TopK', [column, count], 2, { largest: 0 })[0]!;
}
