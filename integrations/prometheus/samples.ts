import { isWritten, toNumber } from './numbers.ts';

/** What was asked for, in epoch seconds: all moments from `from` to `until`, each `step` after the one before. */
export type Moments = { from: number; until: number; step: number };

type Sample = readonly [at: number, text: string];

/** An answer that cannot be one to what was asked. `message`: what is wrong with it. */
export class NotAnAnswer extends Error {
  override readonly name = 'NotAnAnswer';
}

/** @throws NotAnAnswer when its value is no number as Prometheus writes them, NaN and infinity included */
export function sampleOf([at, text]: Sample): [number, number] {
  if (!isWritten(text)) throw new NotAnAnswer(`a value is ${JSON.stringify(text.slice(0, 80))}, which is no number`);
  return [at, toNumber(text)];
}

/**
 * The samples of one series of a range. Samples of other moments would count for nothing, so that an answer that has
 * nothing else would look as if there were no data.
 *
 * @throws NotAnAnswer when one is of a moment that was not asked for, or not after the one before
 */
export function samplesOf(values: readonly Sample[], asked: Moments): [number, number][] {
  let before = -Infinity;
  return values.map((value) => {
    const sample = sampleOf(value);
    const [at] = sample;
    if (!isAsked(at, asked)) throw new NotAnAnswer(`the time ${at} is not among those that were asked for`);
    if (at <= before) throw new NotAnAnswer(`the time ${at} is not after the one before, ${before}`);
    before = at;
    return sample;
  });
}

/** Times are in milliseconds, and in whole seconds where something in front of Prometheus has cut them. */
const SLACK_SECONDS = 1;

/**
 * Thanos, Mimir and VictoriaMetrics may round the beginning and the end to multiples of the step, so that answers can be
 * kept: by less than a step.
 */
function isAsked(at: number, { from, until, step }: Moments): boolean {
  const isInside = at > from - SLACK_SECONDS && at < until + SLACK_SECONDS;
  if (isInside && isMultiple(at - from, step)) return true;
  return at > from - step && at < until + step && isMultiple(at, step);
}

const isMultiple = (seconds: number, step: number): boolean =>
  Math.abs(seconds - Math.round(seconds / step) * step) < SLACK_SECONDS;
