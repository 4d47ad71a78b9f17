/** Thread that judges parts of sets, one after another: a part comes as a message, and its cases go back. */
import { parentPort } from 'node:worker_threads';
import type { ClassName } from '../../evaluation/monitored/labels.ts';
import { judgedSet } from './correlation.ts';
import { judgedMonitored } from './monitored.ts';

/** A part of a set. `share`, `names`: of the monitored world. */
export type Part =
  | { world: 'first'; seed: number }
  | { world: 'monitored'; seed: number; share: number; names: readonly ClassName[] };

parentPort?.on('message', (part: Part) => {
  const judged =
    part.world === 'first'
      ? Promise.resolve(part.seed).then(judgedSet)
      : judgedMonitored(part.seed, part.share, part.names);
  void judged.then((cases) => parentPort?.postMessage(cases, [])); // a failure ends the thread with an error
});
