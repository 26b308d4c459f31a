// 'retinanet-ops/promises': the same operations, run off the main thread. Bad input rejects. Until a promise settles, its arrays
// must not be changed, transferred or resized. Work on device tensors is queued when a worker thread gets to the call: await it
// before a call that depends on it. Tensors may be disposed of meanwhile; their memory stays until the call has been queued.
// Longer than 250 lines: what editors show of every function of the entry, and one line of code for each.
import { planAssignAnchors, planAssignAnchorsBatch } from '../operations/assign.js';
import { planBoxIou, planClipBoxes, planDecodeBoxes, planEncodeBoxes } from '../operations/boxes.js';
import { planConv2d, planConv2dBackpropFilter, planConv2dBackpropInput } from '../operations/convolution.js';
import { planDecodeDetections } from '../operations/decode-detections.js';
import {
  planSigmoidFocalLoss,
  planSigmoidFocalLossBackward,
  planSigmoidFocalLossValueAndGrad,
} from '../operations/focal-loss.js';
import { completeIouPlans, distanceIouPlans, generalizedIouPlans } from '../operations/iou-losses.js';
import { planOnlineHardExamples, planSelectHardNegatives } from '../operations/mining.js';
import { planNms } from '../operations/nms.js';
import { promised } from '../runtime/plan.js';
import { planRetinanetLoss } from '../operations/retinanet-loss.js';
import { planSmoothL1Loss, planSmoothL1LossBackward, planSmoothL1LossValueAndGrad } from '../operations/smooth-l1.js';

/**
 * Sigmoid focal loss (Lin et al. 2017, equation 5; torchvision.ops.sigmoid_focal_loss), stable at any logit.
 *
 * @param logits [N, K], raw network outputs
 * @param targets Int32Array [N] of class labels (-1 background, -2 ignored), or dense Float32Array [N, K] in [0, 1]
 * @returns the reduced loss, or with reduction 'none' the losses [N, K]
 * @throws rejects with RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_LABEL, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not
 * usable, or failed; ERR_OUT_OF_MEMORY
 */
export const sigmoidFocalLoss = promised(planSigmoidFocalLoss);

/**
 * The gradient of {@link sigmoidFocalLoss} by the logits, [N, K]; finite for every gamma >= 0, saturated or not.
 *
 * @param logits [N, K], raw network outputs
 * @param targets class labels [N] or dense targets [N, K]
 * @returns [N, K]; `out` where that is given, which may be `logits`
 * @throws rejects as sigmoidFocalLoss does
 */
export const sigmoidFocalLossBackward = promised(planSigmoidFocalLossBackward);

/**
 * Loss and gradient in one pass over the logits; each equals what the separate calls give, to the bit.
 *
 * @param logits [N, K], raw network outputs
 * @param targets class labels [N] or dense targets [N, K], which need `numClasses` or an option by class or anchor
 * @returns the loss, its gradient [N, K] and the number of positive anchors
 * @throws rejects as sigmoidFocalLoss does
 */
export const sigmoidFocalLossValueAndGrad = promised(planSigmoidFocalLossValueAndGrad);

/**
 * Smooth L1 loss (Girshick 2015, equation 3; torch.nn.functional.smooth_l1_loss).
 *
 * @param predictions any shape, e.g. box deltas [P, 4]
 * @param targets the same shape
 * @returns the reduced loss, or with reduction 'none' a loss for every element
 * @throws rejects with RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not usable, or
 * failed; ERR_OUT_OF_MEMORY
 */
export const smoothL1Loss = promised(planSmoothL1Loss);

/**
 * The gradient of {@link smoothL1Loss} by the predictions, in their shape.
 *
 * @param predictions any shape, e.g. box deltas [P, 4]
 * @param targets the same shape
 * @returns like the predictions; `out` where that is given, which may be `predictions`
 * @throws rejects as smoothL1Loss does
 */
export const smoothL1LossBackward = promised(planSmoothL1LossBackward);

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @param predictions any shape, e.g. box deltas [P, 4]
 * @param targets the same shape
 * @throws rejects as smoothL1Loss does
 */
export const smoothL1LossValueAndGrad = promised(planSmoothL1LossValueAndGrad);

/**
 * Generalized IoU loss of n pairs of boxes (Rezatofighi et al. 2019; torchvision.ops.generalized_box_iou_loss).
 *
 * @param predictions [n, 4] x1, y1, x2, y2 in pixels, x1 <= x2, y1 <= y2
 * @param targets [n, 4], likewise
 * @returns the reduced loss, or with reduction 'none' the losses [n]
 * @throws rejects as smoothL1Loss does
 */
export const generalizedBoxIouLoss = promised(generalizedIouPlans.value);

/**
 * The gradient of {@link generalizedBoxIouLoss} by the predictions.
 *
 * @param predictions [n, 4]
 * @param targets [n, 4]
 * @returns [n, 4]; `out` where that is given, which may be `predictions`
 * @throws rejects as smoothL1Loss does
 */
export const generalizedBoxIouLossBackward = promised(generalizedIouPlans.backward);

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @param predictions [n, 4]
 * @param targets [n, 4]
 * @throws rejects as smoothL1Loss does
 */
export const generalizedBoxIouLossValueAndGrad = promised(generalizedIouPlans.valueAndGrad);

/**
 * Distance IoU loss of n pairs of boxes (Zheng et al. 2020; torchvision.ops.distance_box_iou_loss).
 *
 * @param predictions [n, 4] x1, y1, x2, y2 in pixels, x1 <= x2, y1 <= y2
 * @param targets [n, 4], likewise
 * @returns the reduced loss, or with reduction 'none' the losses [n]
 * @throws rejects as smoothL1Loss does
 */
export const distanceBoxIouLoss = promised(distanceIouPlans.value);

/**
 * The gradient of {@link distanceBoxIouLoss} by the predictions.
 *
 * @param predictions [n, 4]
 * @param targets [n, 4]
 * @returns [n, 4]; `out` where that is given, which may be `predictions`
 * @throws rejects as smoothL1Loss does
 */
export const distanceBoxIouLossBackward = promised(distanceIouPlans.backward);

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @param predictions [n, 4]
 * @param targets [n, 4]
 * @throws rejects as smoothL1Loss does
 */
export const distanceBoxIouLossValueAndGrad = promised(distanceIouPlans.valueAndGrad);

/**
 * Complete IoU loss of n pairs of boxes (Zheng et al. 2020; torchvision.ops.complete_box_iou_loss).
 *
 * @param predictions [n, 4] x1, y1, x2, y2 in pixels, x1 <= x2, y1 <= y2
 * @param targets [n, 4], likewise
 * @returns the reduced loss, or with reduction 'none' the losses [n]
 * @throws rejects as smoothL1Loss does
 */
export const completeBoxIouLoss = promised(completeIouPlans.value);

/**
 * The gradient of {@link completeBoxIouLoss} by the predictions.
 *
 * @param predictions [n, 4]
 * @param targets [n, 4]
 * @returns [n, 4]; `out` where that is given, which may be `predictions`
 * @throws rejects as smoothL1Loss does
 */
export const completeBoxIouLossBackward = promised(completeIouPlans.backward);

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @param predictions [n, 4]
 * @param targets [n, 4]
 * @throws rejects as smoothL1Loss does
 */
export const completeBoxIouLossValueAndGrad = promised(completeIouPlans.valueAndGrad);

/**
 * Assigns anchors to the ground truth of one image, as torchvision.models.detection._utils.Matcher does to the bit (ties
 * included), with one exception: a box that no anchor overlaps matches nothing.
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param gtBoxes [G, 4] x1, y1, x2, y2 in pixels, finite, with area
 * @param gtLabels [G] class labels >= 0
 * @throws rejects with RetinanetOpsError ERR_BOX, ERR_LABEL, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND,
 * ERR_OUT_OF_MEMORY
 */
export const assignAnchors = promised(planAssignAnchors);

/**
 * {@link assignAnchors} for every image of a batch in one call.
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param groundTruth boxes [G, 4], labels [G] and offsets [B + 1]: image b owns the rows offsets[b] .. offsets[b + 1]
 * @throws rejects as assignAnchors does
 */
export const assignAnchorsBatch = promised(planAssignAnchorsBatch);

/**
 * Deltas dx, dy, dw, dh from anchors to boxes: torchvision's BoxCoder.encode with weights 1, 1, 1, 1 (Girshick et al. 2014,
 * appendix C).
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param boxes [A, 4] x1, y1, x2, y2 in pixels, finite, with area
 * @returns deltas [A, 4]; `out` where that is given, which may be `boxes`
 * @throws rejects with RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const encodeBoxes = promised(planEncodeBoxes);

/**
 * Boxes from anchors and deltas: torchvision's BoxCoder.decode with weights 1, 1, 1, 1; dw and dh are clipped at log(1000 / 16).
 * NaN deltas give NaN coordinates.
 *
 * @param anchors an AnchorGrid, or boxes [A, 4]
 * @param deltas [A, 4]
 * @returns boxes [A, 4] in pixels; `out` where that is given, which may be `deltas`
 * @throws rejects as encodeBoxes does
 */
export const decodeBoxes = promised(planDecodeBoxes);

/**
 * Boxes with x clamped to [0, width] and y to [0, height], in pixels (torchvision.ops.clip_boxes_to_image).
 *
 * @param boxes [n, 4], finite
 * @returns [n, 4]; `out` where that is given, which may be `boxes`
 * @throws rejects with RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const clipBoxes = promised(planClipBoxes);

/**
 * Intersection over union of every box of `a` with every box of `b`, float32 (torchvision.ops.box_iou). Two boxes without area
 * give NaN, as there.
 *
 * @param a [n, 4], finite
 * @param b [m, 4], finite
 * @returns [n, m]
 * @throws rejects as encodeBoxes does
 */
export const boxIou = promised(planBoxIou);

/**
 * Convolution of images (tf.conv2d, NHWC; torch.nn.functional.conv2d), on the CPU. Along each axis the output has
 * floor((size + padding - (filter - 1) * dilation - 1) / stride) + 1 pixels, with 'same' ceil(size / stride).
 * Of an infinite input it may be NaN: the synchronous form says where.
 *
 * @param input [images, height, width, channels]
 * @param filter [height, width, channels, filters]
 * @returns [images, output height, output width, filters]
 * @throws rejects with RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION: bad input, or a filter larger than the padded
 * image; ERR_OUT_OF_MEMORY
 */
export const conv2d = promised(planConv2d);

/**
 * The gradient of {@link conv2d} by its input, without bias and activation (a transposed convolution of the output's gradient).
 *
 * @param outputGrad [images, output height, output width, filters]
 * @param filter [height, width, channels, filters]
 * @returns [images, height, width, channels]
 * @throws rejects as conv2d does
 */
export const conv2dBackpropInput = promised(planConv2dBackpropInput);

/**
 * The gradient of {@link conv2d} by its filter, without bias and activation.
 *
 * @param input [images, height, width, channels]
 * @param outputGrad [images, output height, output width, filters]
 * @returns [height, width, channels, filters]
 * @throws rejects as conv2d does
 */
export const conv2dBackpropFilter = promised(planConv2dBackpropFilter);

/**
 * Greedy non-maximum suppression (torchvision.ops.nms; with `classes`, batched_nms).
 *
 * @param boxes [n, 4], finite
 * @param scores [n], no NaN
 * @returns rows of the kept boxes by descending score; of equal scores the smaller row comes first
 * @throws rejects with RetinanetOpsError ERR_BOX, ERR_SHAPE, ERR_DTYPE, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const nms = promised(planNms);

/**
 * Scores, boxes and classes from raw outputs, classLogits [B, A, K] and boxDeltas [B, A, 4] (torchvision's
 * RetinaNet.postprocess_detections): per level the topK scores above the threshold, decoded and clipped to the image;
 * non-maximum suppression within each class; the best maxDetections of each image.
 *
 * @returns boxes [D, 4] in pixels, scores [D], labels [D] and offsets [B + 1]
 * @throws rejects as nms does
 */
export const decodeDetections = promised(planDecodeDetections);

/**
 * Anchor assignment, focal loss, box loss and both gradients (Lin et al. 2017, sections 3 and 4.1), of classLogits [B, A, K] and
 * boxDeltas [B, A, 4]. Nothing but the gradients and a few bytes per anchor is allocated.
 *
 * @returns losses, number of positive anchors, and gradients in the shapes of classLogits and boxDeltas
 * @throws rejects with RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_BOX, ERR_LABEL, ERR_RANGE, ERR_OPTION, ERR_BACKEND,
 * ERR_OUT_OF_MEMORY
 */
export const retinanetLoss = promised(planRetinanetLoss);

/**
 * Hard negative mining (Liu et al. 2016, SSD, section 2.2): the background anchors of the largest loss, `ratio` for each positive.
 *
 * @param losses [N], or [N, K] summed over K; no NaN
 * @param labels [N] class labels, -1 background, -2 ignored (never selected)
 * @returns anchor indices, hardest first; of equal losses the smaller index comes first
 * @throws rejects with RetinanetOpsError ERR_SHAPE, ERR_DTYPE, ERR_LABEL, ERR_RANGE, ERR_OPTION, ERR_BACKEND, ERR_OUT_OF_MEMORY
 */
export const selectHardNegatives = promised(planSelectHardNegatives);

/**
 * Online hard example mining (Shrivastava et al. 2016, section 4.2): sort by loss, suppress what overlaps a harder example, keep
 * the hardest `count`.
 *
 * @param losses [n], no NaN
 * @param boxes [n, 4], finite
 * @returns rows, hardest first; of equal losses the smaller row comes first
 * @throws rejects as nms does
 */
export const onlineHardExamples = promised(planOnlineHardExamples);

// What has no work to move keeps its synchronous form, so that one import suffices.
export {
  AnchorGrid,
  RetinanetOpsError,
  backendInfo,
  cuda,
  getBackend,
  priorBias,
  setBackend,
  setNumThreads,
} from '../index.js';

// And all types: those of options, arguments and results.
export type * from '../index.js';
