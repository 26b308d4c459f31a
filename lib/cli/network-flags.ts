// What commands say of a network's input and its anchors.
import { type Command, Option } from 'commander';
import { PRESETS } from '../retinanet/model/presets.js';
import { toNumber, toNumbers, toSides } from './values.js';

/** N: the longer side of a frame of the pictures' shape. */
export type ImageSize = { longestSide: number } | { imageWidth: number; imageHeight: number };

/** The flags of a network; without `--image-size`, the rule that the command has for it. */
export function addNetworkFlags(command: Command, defaultSize: string): Command {
  return command
    .addOption(new Option('--preset <name>', '(default: compact)').choices(Object.keys(PRESETS)))
    .option(
      '--image-size <pixels>',
      `the frame: WIDTHxHEIGHT, or N for its longer side (default: ${defaultSize})`,
      toImageSize,
    )
    .option('--anchor-size <strides>', 'side of the smallest anchor of a level, in its strides', toNumber)
    .option('--anchor-scales <list>', 'sizes of the anchors of a level, such as 1,1.26,1.59', toNumbers)
    .option('--aspect-ratios <list>', 'height / width of the anchors, such as 0.5,1,2', toNumbers)
    .option('--pyramid-levels <list>', 'first and last level, such as 3,5', toNumbers);
}

function toImageSize(text: string): ImageSize {
  const [width, height] = toSides(text);
  return height === undefined ? { longestSide: width } : { imageWidth: width, imageHeight: height };
}
