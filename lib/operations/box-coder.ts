// The weights of the box coder, an option of all operations that encode or decode boxes.
import { value, type OptionsOf } from '../arguments/options.js';

/** float32 holds them, and 1 over them. */
const WEIGHT = { min: 2 ** -126, max: 2 ** 126 } as const;

export const BOX_CODER = {
  /**
   * [wx, wy, ww, wh], each in [2^-126, 2^126]: deltas dx, dy, dw, dh are multiplied by them, and divided again before they are
   * decoded (torchvision's BoxCoder.weights; 1 / std in mmdet). Default 1, 1, 1, 1.
   */
  coderWeights: value<ArrayLike<number>, readonly number[]>(
    (check, argument, given) => {
      const weights = check.numbers(argument, given, WEIGHT);
      check.length(argument, weights, 4, '(of dx, dy, dw and dh)');
      return weights;
    },
    [1, 1, 1, 1],
  ),
};

/** The weights of the box coder. */
export interface BoxCoderOptions extends OptionsOf<typeof BOX_CODER> {}

/** As native code takes them. */
export const coderFields = ({ coderWeights }: { coderWeights: readonly number[] }): { coderWeights: Float32Array } => ({
  coderWeights: Float32Array.from(coderWeights),
});
