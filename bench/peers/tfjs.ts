// TensorFlow.js' own operations on its cpu and wasm backends, both on one thread.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
// The Node build of tfjs-core registers no gradients by itself; tfjs-layers brings them.
import '@tensorflow/tfjs-layers';
import type { Peer, PeerTiming } from '../case.js';
import { measure } from '../measure.js';

// Neither its greeting nor its checks.
tf.enableProdMode();

export const tfjsBackends = ['wasm', 'cpu'] as const;
export type TfjsBackend = (typeof tfjsBackends)[number];

/**
 * `prepare` makes the tensors and returns one run, which leaves none behind, and how much work that is. Timed once, however many
 * threads the operation beside it is timed with.
 */
export function tfjsPeer(
  backend: TfjsBackend,
  seconds: number,
  prepare: () => { run: () => void; count: number },
): Peer {
  let known: PeerTiming | undefined;
  return {
    name: `tfjs ${backend}`,
    measure: async (): Promise<PeerTiming> => {
      if (known) return known;
      await tf.setBackend(backend);
      tf.engine().startScope();
      try {
        const { run, count } = prepare();
        const timing = measure(
          () => {
            tf.tidy(run);
          },
          seconds,
          1,
        );
        known = { ...timing, count, threads: 1 };
        return known;
      } finally {
        tf.engine().endScope();
      }
    },
  };
}
