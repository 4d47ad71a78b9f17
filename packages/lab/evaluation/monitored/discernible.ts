import type { Service } from './services.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/**
 * What an observer could see who knows every request, its version, and whether it failed, but nothing of the future. It
 * depends on the parameters of a world and neither on chance nor on what the product concludes.
 */
export type Observed = { focus: Service; telemetry: Telemetry };

/** Factor by which the requests must favour "only this version fails" over "both fail alike". */
const FAVOURED = 1000;

const STEP_SECONDS = 5;

type Counts = { requests: number; failed: number };

/** Returns the probability of a failure of a request to a version at a time. */
export function failureOf({ focus, telemetry }: Observed, version: string, at: number): number {
  const live = telemetry
    .instances(focus)
    .filter((instance) => instance.version === version && instance.from <= at && at < instance.until);
  return live.length === 0
    ? 0
    : live.reduce((sum, instance) => sum + telemetry.failureAt(focus, instance, at), 0) / live.length;
}

/** Traffic of the versions at the times of a walk. */
export type Shares = Iterable<{ time: number; shares: ReadonlyMap<string, number> }>;

/**
 * Returns whether the expected requests to both versions, while they serve side by side, show that only one fails.
 * Latencies show it with far fewer requests than are needed for a case to be clear.
 */
export function areDistinct(observed: Observed, shares: Shares, bad: string): boolean {
  const { focus, telemetry } = observed;
  if (focus.health.form === 'quantile') return true;
  const counts = new Map<string, { own: Counts; other: Counts }>();
  for (const { time, shares: versions } of shares) {
    const own = versions.get(bad);
    if (own === undefined) continue;
    const requests = telemetry.rateAt(focus, time) * STEP_SECONDS;
    for (const [version, share] of versions) {
      if (version === bad) continue;
      const known = counts.get(version) ?? { own: none(), other: none() };
      add(known.own, own * requests, failureOf(observed, bad, time));
      add(known.other, share * requests, failureOf(observed, version, time));
      counts.set(version, known);
    }
  }
  return counts.size > 0 && [...counts.values()].every((one) => favour(one) >= Math.log(FAVOURED));
}

const none = (): Counts => ({ requests: 0, failed: 0 });

function add(to: Counts, requests: number, failure: number): void {
  to.requests += requests;
  to.failed += requests * failure;
}

/** Returns the logarithm of how much better two failure ratios explain the requests than one for both. */
function favour({ own, other }: { own: Counts; other: Counts }): number {
  const likelihood = ({ requests, failed }: Counts, ratio: number): number =>
    (failed > 0 ? failed * Math.log(ratio) : 0) + (requests > failed ? (requests - failed) * Math.log(1 - ratio) : 0);
  const ratio = ({ requests, failed }: Counts): number => (requests > 0 ? failed / requests : 0);
  const both = ratio({ requests: own.requests + other.requests, failed: own.failed + other.failed });
  return [own, other].reduce((sum, one) => sum + likelihood(one, ratio(one)) - likelihood(one, both), 0);
}
