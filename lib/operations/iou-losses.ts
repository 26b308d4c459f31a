// The IoU losses of boxes: value, gradient, or both in one pass.
import { synchronous } from '../runtime/plan.js';
import { regressionPlans, type RegressionPlans } from './regression.js';

/** As the promised operations and those on tensors run them. */
export const generalizedIouPlans: RegressionPlans = regressionPlans('generalizedBoxIouLoss', 'giou', 4, {});
export const distanceIouPlans: RegressionPlans = regressionPlans('distanceBoxIouLoss', 'diou', 4, {});
export const completeIouPlans: RegressionPlans = regressionPlans('completeBoxIouLoss', 'ciou', 4, {});

/**
 * Generalized IoU loss of n pairs of boxes (Rezatofighi et al. 2019; torchvision.ops.generalized_box_iou_loss): 1 - IoU, plus the
 * share of the smallest box around both that neither covers. In [0, 2]; finite for boxes without area and equal boxes, too.
 *
 * @param predictions [n, 4] x1, y1, x2, y2 in pixels, x1 <= x2, y1 <= y2
 * @param targets [n, 4], likewise
 * @returns the reduced loss, or with reduction 'none' the losses [n]
 * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not usable
 */
export const generalizedBoxIouLoss = synchronous(generalizedIouPlans.value);

/**
 * The gradient of {@link generalizedBoxIouLoss} by the predictions, [n, 4]. Where sides of both boxes are equal, it is the mean of
 * the slopes to both sides.
 *
 * @throws as generalizedBoxIouLoss
 */
export const generalizedBoxIouLossBackward = synchronous(generalizedIouPlans.backward);

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @throws as generalizedBoxIouLoss
 */
export const generalizedBoxIouLossValueAndGrad = synchronous(generalizedIouPlans.valueAndGrad);

/**
 * Distance IoU loss of n pairs of boxes (Zheng et al. 2020; torchvision.ops.distance_box_iou_loss): 1 - IoU, plus the squared distance
 * of the centres over the squared diagonal of the smallest box around both. In [0, 2]; finite for boxes without area and equal boxes, too.
 *
 * @param predictions [n, 4] x1, y1, x2, y2 in pixels, x1 <= x2, y1 <= y2
 * @param targets [n, 4], likewise
 * @returns the reduced loss, or with reduction 'none' the losses [n]
 * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not usable
 */
export const distanceBoxIouLoss = synchronous(distanceIouPlans.value);

/**
 * The gradient of {@link distanceBoxIouLoss} by the predictions, [n, 4]. Where sides of both boxes are equal, it is the mean of
 * the slopes to both sides.
 *
 * @throws as distanceBoxIouLoss
 */
export const distanceBoxIouLossBackward = synchronous(distanceIouPlans.backward);

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @throws as distanceBoxIouLoss
 */
export const distanceBoxIouLossValueAndGrad = synchronous(distanceIouPlans.valueAndGrad);

/**
 * Complete IoU loss of n pairs of boxes (Zheng et al. 2020; torchvision.ops.complete_box_iou_loss): the distance IoU loss plus
 * alpha v, where v in [0, 1] measures how the aspect ratios differ. In [0, 2.5]; finite for boxes without area and equal boxes, too.
 *
 * @param predictions [n, 4] x1, y1, x2, y2 in pixels, x1 <= x2, y1 <= y2
 * @param targets [n, 4], likewise
 * @returns the reduced loss, or with reduction 'none' the losses [n]
 * @throws RetinanetOpsError ERR_DTYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION: bad input; ERR_BACKEND: backend not usable
 */
export const completeBoxIouLoss = synchronous(completeIouPlans.value);

/**
 * The gradient of {@link completeBoxIouLoss} by the predictions, [n, 4]; alpha = v / (1 - IoU + v) is a constant to it, as in the
 * paper. Where sides of both boxes are equal, it is the mean of the slopes to both sides.
 *
 * @throws as completeBoxIouLoss
 */
export const completeBoxIouLossBackward = synchronous(completeIouPlans.backward);

/**
 * Loss and gradient in one pass; each equals what the separate calls give, to the bit.
 *
 * @throws as completeBoxIouLoss
 */
export const completeBoxIouLossValueAndGrad = synchronous(completeIouPlans.valueAndGrad);
