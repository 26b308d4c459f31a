// The IoU losses of boxes on tensors.
import { completeIouPlans, distanceIouPlans, generalizedIouPlans } from '../operations/iou-losses.js';
import { defineRegression } from './regression.js';

const generalized = defineRegression('generalizedBoxIouLoss', generalizedIouPlans);
const distance = defineRegression('distanceBoxIouLoss', distanceIouPlans);
const complete = defineRegression('completeBoxIouLoss', completeIouPlans);

/**
 * Generalized IoU loss (Rezatofighi et al. 2019; torchvision.ops.generalized_box_iou_loss), differentiable by the predictions: value
 * and gradient come from one native pass. Not differentiable by targets or weights, nor twice.
 *
 * @param predictions float32 [..., 4] x1, y1, x2, y2 in pixels, x1 <= x2, y1 <= y2
 * @param targets float32 of the same shape
 * @returns a scalar, or with reduction 'none' the losses [...]
 * @throws RetinanetOpsError as generalizedBoxIouLoss of 'retinanet-ops'; ERR_SHAPE: shapes that do not agree; ERR_GRADIENT
 */
export const generalizedBoxIouLoss = generalized.value;

/**
 * The gradient of {@link generalizedBoxIouLoss} by the predictions, in their shape. Not differentiable.
 *
 * @throws as generalizedBoxIouLoss
 */
export const generalizedBoxIouLossBackward = generalized.backward;

/**
 * Loss and gradient in one pass. Not differentiable: inside tf.grads and optimizers use {@link generalizedBoxIouLoss}.
 *
 * @throws as generalizedBoxIouLoss
 */
export const generalizedBoxIouLossValueAndGrad = generalized.valueAndGrad;

/**
 * Distance IoU loss (Zheng et al. 2020; torchvision.ops.distance_box_iou_loss), differentiable by the predictions: value and gradient
 * come from one native pass. Not differentiable by targets or weights, nor twice.
 *
 * @param predictions float32 [..., 4] x1, y1, x2, y2 in pixels, x1 <= x2, y1 <= y2
 * @param targets float32 of the same shape
 * @returns a scalar, or with reduction 'none' the losses [...]
 * @throws RetinanetOpsError as distanceBoxIouLoss of 'retinanet-ops'; ERR_SHAPE: shapes that do not agree; ERR_GRADIENT
 */
export const distanceBoxIouLoss = distance.value;

/**
 * The gradient of {@link distanceBoxIouLoss} by the predictions, in their shape. Not differentiable.
 *
 * @throws as distanceBoxIouLoss
 */
export const distanceBoxIouLossBackward = distance.backward;

/**
 * Loss and gradient in one pass. Not differentiable: inside tf.grads and optimizers use {@link distanceBoxIouLoss}.
 *
 * @throws as distanceBoxIouLoss
 */
export const distanceBoxIouLossValueAndGrad = distance.valueAndGrad;

/**
 * Complete IoU loss (Zheng et al. 2020; torchvision.ops.complete_box_iou_loss), differentiable by the predictions: value and gradient
 * come from one native pass. Not differentiable by targets or weights, nor twice.
 *
 * @param predictions float32 [..., 4] x1, y1, x2, y2 in pixels, x1 <= x2, y1 <= y2
 * @param targets float32 of the same shape
 * @returns a scalar, or with reduction 'none' the losses [...]
 * @throws RetinanetOpsError as completeBoxIouLoss of 'retinanet-ops'; ERR_SHAPE: shapes that do not agree; ERR_GRADIENT
 */
export const completeBoxIouLoss = complete.value;

/**
 * The gradient of {@link completeBoxIouLoss} by the predictions, in their shape. Not differentiable.
 *
 * @throws as completeBoxIouLoss
 */
export const completeBoxIouLossBackward = complete.backward;

/**
 * Loss and gradient in one pass. Not differentiable: inside tf.grads and optimizers use {@link completeBoxIouLoss}.
 *
 * @throws as completeBoxIouLoss
 */
export const completeBoxIouLossValueAndGrad = complete.valueAndGrad;
