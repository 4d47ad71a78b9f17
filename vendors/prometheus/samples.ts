import { isNumberText, toNumber } from './numbers.ts';

/** The requested times in seconds since the Unix epoch: from `from` to `until` in steps of `step`. */
export type RequestedTimes = { from: number; until: number; step: number };

type Sample = readonly [at: number, text: string];

/** A response that doesn't match the query. `message` states the difference. */
export class UnexpectedResponse extends Error {
  override readonly name = 'UnexpectedResponse';
}

/** @throws UnexpectedResponse if the value is not in Prometheus's number format, which includes NaN and infinity */
export function sampleOf([at, text]: Sample): [number, number] {
  if (!isNumberText(text))
    throw new UnexpectedResponse(`a value is ${JSON.stringify(text.slice(0, 80))}, which is not a number`);
  return [at, toNumber(text)];
}

/**
 * Returns the samples of one series of a range query. Samples at other times would be ignored, so a response that has
 * only such samples would look like missing data.
 *
 * @throws UnexpectedResponse if a sample is at a time that was not requested, or is out of order
 */
export function samplesOf(values: readonly Sample[], range: RequestedTimes): [number, number][] {
  let previous = -Infinity;
  return values.map((value) => {
    const sample = sampleOf(value);
    const [at] = sample;
    if (!isRequested(at, range)) throw new UnexpectedResponse(`the time ${at} was not requested`);
    if (at <= previous) throw new UnexpectedResponse(`the time ${at} is not after the one before, ${previous}`);
    previous = at;
    return sample;
  });
}

/** Tolerance in seconds. Times are in milliseconds, but an intermediary can truncate them to whole seconds. */
const TOLERANCE_SECONDS = 1;

/**
 * Returns whether a time was requested. To improve caching, Thanos, Mimir, and VictoriaMetrics can align the start and
 * end to multiples of the step, which moves them by less than one step.
 */
function isRequested(at: number, { from, until, step }: RequestedTimes): boolean {
  const isInside = at > from - TOLERANCE_SECONDS && at < until + TOLERANCE_SECONDS;
  if (isInside && isMultiple(at - from, step)) return true;
  return at > from - step && at < until + step && isMultiple(at, step);
}

const isMultiple = (seconds: number, step: number): boolean =>
  Math.abs(seconds - Math.round(seconds / step) * step) < TOLERANCE_SECONDS;
