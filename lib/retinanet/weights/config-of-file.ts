// What a file of weights says of the network that they belong to: in so many words where this package wrote it, else by names and shapes.
import type { Check } from '../../arguments/check.js';
import { RetinanetOpsError } from '../../arguments/errors.js';
import { anchorsPerCell, CONFIG, pyramidLevels, type ResolvedConfig, resolveConfig } from '../model/config.js';
import { type BackboneName, PRESETS, RESNETS } from '../model/presets.js';
import type { FileSource } from './file-source.js';
import { BACKBONE_PREFIXES } from './names.js';
import { METADATA_KEY, readMetadata } from './safetensors.js';
import { sizeOfShape, type StoredTensors } from './tensors.js';

/** Settings of a network. */
export interface ConfigOfFile {
  /** All that is known. */
  config: Partial<ResolvedConfig>;
  /** Whether the file is of a whole detector. */
  isDetector: boolean;
}

/** Number of COCO's ids: those of the detectors that torchvision publishes, whose batch normalisations add nothing. */
const PUBLISHED_CLASSES = PRESETS['torchvision-retinanet'].classNames.length;

/**
 * @param tensors without prefixes of wrappers
 * @throws RetinanetOpsError `ERR_DATA` for a configuration in the file that is none
 */
export function configOfFile(check: Check, source: FileSource, tensors: StoredTensors): ConfigOfFile {
  const saved = readMetadata(source)?.[METADATA_KEY];
  if (saved !== undefined) {
    const config = savedConfig(check, source, saved);
    checkSize(source, tensors, config);
    return { config, isDetector: true };
  }
  // What has learned from ImageNet has seen its pixels so.
  const [pixelMean, pixelStd] = [CONFIG.pixelMean, CONFIG.pixelStd].map((one) => one.check(check, '', undefined));
  const pixels = { pixelMean: pixelMean!, pixelStd: pixelStd! };
  const backbone = backboneOf(tensors);
  if (backbone === undefined) return { config: pixels, isDetector: false };
  const detector = detectorOf(check, tensors);
  return { config: { ...detector, ...pixels, backbone }, isDetector: detector !== undefined };
}

/** The classes that a file of this package names; none of another program's. */
export function classNamesOfFile(check: Check, source: FileSource): readonly string[] {
  const saved = readMetadata(source)?.[METADATA_KEY];
  return saved === undefined ? [] : savedConfig(check, source, saved).classNames;
}

function savedConfig(check: Check, source: FileSource, saved: string): ResolvedConfig {
  let metadata: unknown;
  try {
    metadata = JSON.parse(saved);
  } catch (cause) {
    source.fail(`JSON as ${METADATA_KEY} of its metadata`, (cause as Error).message, cause);
  }
  try {
    return resolveConfig(check, (metadata as { config?: unknown } | null)?.config, `${source.file}: config.`);
  } catch (cause) {
    throw new RetinanetOpsError('ERR_DATA', (cause as Error).message, { cause });
  }
}

/** A small file can't ask for a large network: it is not made before the file is known to have about so many numbers. */
function checkSize(source: FileSource, tensors: StoredTensors, config: ResolvedConfig): void {
  const { pyramidChannels: channels, subnetDepth, numClasses, backbone } = config;
  const maps = 2 * subnetDepth + pyramidLevels(config).length;
  const inHeads = 9 * channels * (channels * maps + anchorsPerCell(config) * (numClasses + 4));
  const least = inHeads + (backbone === 'compact' ? 0 : SMALLEST_RESNET);
  let count = 0;
  for (const { shape } of tensors.values()) count += sizeOfShape(shape);
  if (count < least) source.fail(`${String(least)} numbers or more, as its metadata say,`, String(count));
}
const SMALLEST_RESNET = 500_000;

/** By the kind of its blocks and their number in the third stage, which tells all of them apart. */
function backboneOf(tensors: StoredTensors): BackboneName | undefined {
  const prefix = BACKBONE_PREFIXES.find((one) => tensors.has(`${one}layer1.0.conv1.weight`));
  if (prefix === undefined) return undefined;
  const block = tensors.has(`${prefix}layer1.0.conv3.weight`) ? 'bottleneck' : 'basic';
  const countOf = (stage: number) => {
    let blocks = 0;
    while (tensors.has(`${prefix}layer${String(stage)}.${String(blocks)}.conv1.weight`)) blocks++;
    return blocks;
  };
  const counts = [1, 2, 3, 4].map(countOf).join();
  const found = Object.entries(RESNETS).find(([, shape]) => shape.block === block && shape.blocks.join() === counts);
  return found?.[0] as BackboneName | undefined;
}

/** Of a RetinaNet as torchvision has it, with its anchors; undefined for another network. */
function detectorOf(check: Check, tensors: StoredTensors): Partial<ResolvedConfig> | undefined {
  const shapeOf = (name: string) => tensors.get(`${name}.weight`)?.shape;
  const [logits, deltas, p6] = ['head.classification_head.cls_logits', 'head.regression_head.bbox_reg', P6].map(
    shapeOf,
  );
  const classes = (logits?.[0] ?? NaN) / ((deltas?.[0] ?? NaN) / 4);
  const channels = logits?.[1];
  if (!Number.isInteger(classes) || channels === undefined || p6 === undefined) return undefined;
  const depth = [...tensors.keys()].filter((name) => SUBNET.test(name)).length;
  const given = { preset: 'torchvision-retinanet', numClasses: classes, pyramidChannels: channels, subnetDepth: depth };
  const p6From = p6[1] === channels ? 'p5' : 'c5';
  const batchNormEpsilon = classes === PUBLISHED_CLASSES ? 0 : 1e-5;
  const resolved = resolveConfig(check, { ...given, p6From, batchNormEpsilon });
  if (deltas?.[0] !== 4 * anchorsPerCell(resolved)) return undefined;
  return Object.fromEntries(Object.entries(resolved).filter(([name]) => !OF_PICTURES.has(name)));
}

/** What weights say nothing of. */
const OF_PICTURES = new Set(['imageHeight', 'imageWidth', 'shorterSide', 'longerSide']);

const P6 = 'backbone.fpn.extra_blocks.p6';
/** Convolutions of the class subnet. */
const SUBNET = /^head\.classification_head\.conv\.\d+(\.0)?\.weight$/;
