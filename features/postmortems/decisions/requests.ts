import { type HealthQuery, wholeOfHealth } from '../../../core/domain/catalogue/health.ts';
import type { Curve } from '../../../core/domain/correlation/evidence.ts';
import { gapOf, mean, pointsOf } from '../../../core/domain/correlation/samples.ts';
import { millisOf, type Timestamp, timestamp } from '../../../schemas/time/time.ts';

/** Samples of a health query that measures the share of failed requests, and of the requests per second at the same times. */
export type RequestSamples = { query: HealthQuery; curve: Curve; traffic: Curve | null };

/**
 * Requests while the problem lasted, as far as samples tell. `share`: mean share of failed ones, 0 to 1. `counts`: null: no
 * query counts the requests.
 */
export type SampledRequests = {
  query: string;
  from: Timestamp;
  until: Timestamp;
  share: number;
  counts: { failed: number; all: number } | null;
};

/** Time from the onset of a problem until its end. */
export type Span = { from: Timestamp; until: Timestamp };

/**
 * Counts requests from samples. Null: the query measures no share of requests, or there are fewer than two samples.
 *
 * @param spans in which a problem lasted, oldest first: between them, the service was well
 */
export function sampledRequests(
  { query, curve, traffic }: RequestSamples,
  spans: readonly Span[],
): SampledRequests | null {
  const until = spans.at(-1)?.until;
  const whole = wholeOfHealth(query);
  if (whole === null || until === undefined) return null;
  const rates = traffic && new Map(pointsOf(traffic, until).map(({ at, value }) => [at, value]));
  const points = pointsOf(curve, until).flatMap(({ at, value }) => {
    const rate = rates === null ? null : rates.get(at);
    const share = Math.min(1, Math.max(0, value / whole));
    const span = spans.findIndex((one) => at >= millisOf(one.from) && at <= millisOf(one.until));
    return span === -1 || rate === undefined ? [] : [{ at, value: share, rate, span }];
  });
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first === last) return null;
  const gap = gapOf(points);
  const counts = { failed: 0, all: 0 };
  for (const [n, { at, value, rate, span }] of points.entries()) {
    const next = points[n + 1];
    if (rate === null || next === undefined || next.rate === null || next.span !== span || next.at - at > gap) continue;
    const seconds = (next.at - at) / 1000;
    counts.all += (seconds * (rate + next.rate)) / 2;
    counts.failed += (seconds * (rate * value + next.rate * next.value)) / 2;
  }
  return {
    query: query.called,
    from: timestamp(first.at),
    until: timestamp(last.at),
    share: mean(points),
    counts: rates === null ? null : counts,
  };
}
