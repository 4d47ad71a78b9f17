import { type MonitoredCase, monitoredCase } from '../../evaluation/monitored/case.ts';
import { CLASS_NAMES } from '../../evaluation/monitored/labels.ts';
import { type Compared, compared } from './compare.ts';
import { isReplayable, replay } from './replay.ts';

export type { Compared } from './compare.ts';

/** How many cases one instance of the product gets, one after the other. */
const CASES_OF_A_PRODUCT = 16;

/**
 * Compares the product's decisions with those of the evaluation, for cases of all classes in turn. Yields only cases that
 * can be replayed over HTTP; `count` includes the others.
 */
export async function* sample(count: number, seed: number): AsyncGenerator<Compared> {
  for (let from = 0; from < count; from += CASES_OF_A_PRODUCT) {
    const numbers = Array.from({ length: Math.min(CASES_OF_A_PRODUCT, count - from) }, (_, index) => from + index);
    const cases = numbers.map((number): MonitoredCase => {
      const name = CLASS_NAMES[number % CLASS_NAMES.length] ?? 'deploy_at_once';
      return monitoredCase(seed, name, Math.floor(number / CLASS_NAMES.length));
    });
    yield* compareAll(cases.filter(isReplayable));
  }
}

/** Sends cases to one product, and compares each. */
export async function* compareAll(cases: readonly MonitoredCase[]): AsyncGenerator<Compared> {
  for await (const replayed of replay(cases)) yield await compared(replayed);
}

export const isSameDecision = ({ product, evaluation }: Compared): boolean =>
  product.kind === evaluation.kind && product.suspect === evaluation.suspect;
