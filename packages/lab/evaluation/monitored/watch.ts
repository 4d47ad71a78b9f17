import { WatchId, WatchRecord } from '../../../../schemas/judge/watch.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { evaluate } from './evaluate.ts';
import { REQUESTS } from './telemetry/queries.ts';
import type { Rollout } from './scenes/rollouts.ts';
import type { Stage } from './stage.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** Checks of a watch, and seconds between them. */
const CHECKS = 10;
const INTERVAL_SECONDS = 30;

/** Seconds before a deploy that its version is compared with. */
const BEFORE_SECONDS = 3600;

/** Requests that each side needs, the factor between them, and the greatest probability by chance. */
const MIN_REQUESTS = 100;
const TOLERANCE = 1.25;
const GREATEST_P = 0.0005;

type Counts = { requests: number; failed: number };

/**
 * What a watch found: the time of its alert, and its record at that time. Times are in seconds since the start of the
 * simulation; `stamp` turns them into milliseconds since the Unix epoch.
 */
export type Watched = { at: number; since: number; record: (stamp: (at: number) => number) => WatchRecord };

/**
 * Watches a deploy as users of the product do: compares the version with the time before it, again and again, and stops once
 * it is certainly worse. Null: it never is.
 */
export function watched({ focus, delivery }: Stage, telemetry: Telemetry, rollout: Rollout): Watched | null {
  const reported = rollout.finish + delivery.delay;
  const counts = (from: number, until: number): Counts => {
    const increase = (code: string): number => {
      const seconds = Math.max(1, Math.round(until - from));
      const query = `sum(increase(${REQUESTS}{service="${focus.name}",environment="production"${code}}[${seconds}s]))`;
      const [found] = evaluate(query, { start: until, step: 1, count: 1, now: until }, telemetry);
      return found?.present[0] === 1 ? (found.values[0] ?? 0) : 0;
    };
    return { requests: increase(''), failed: increase(',code=~"5.."') };
  };
  const before = counts(rollout.start - BEFORE_SECONDS, rollout.start);
  for (let number = 2; number <= CHECKS; number += 1) {
    const at = reported + number * INTERVAL_SECONDS;
    const since = counts(rollout.finish, at);
    const [own, usual] = [ratio(since), ratio(before)];
    const p = Math.min(1, Math.exp(-gOf(since, before) / 2) * CHECKS);
    if (Math.min(since.requests, before.requests) < MIN_REQUESTS || own < TOLERANCE * usual || p > GREATEST_P) continue;
    const reason = `${percent(own)} of ${Math.round(since.requests)} requests; before: ${percent(usual)} of ${Math.round(before.requests)}`;
    return {
      at,
      since: rollout.finish,
      record: (stamp) => recordOf(rollout, { number, reason, p, own, usual }, { stamp, reported, at }),
    };
  }
  return null;
}

const ratio = ({ requests, failed }: Counts): number => (requests > 0 ? failed / requests : 0);
const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

/** Returns the G statistic of two ratios. */
function gOf(one: Counts, other: Counts): number {
  const all = ratio({ requests: one.requests + other.requests, failed: one.failed + other.failed });
  const term = (count: number, expected: number): number => (count > 0 ? count * Math.log(count / expected) : 0);
  return [one, other].reduce(
    (sum, { requests, failed }) =>
      sum + 2 * (term(failed, requests * all) + term(requests - failed, requests * (1 - all))),
    0,
  );
}

function recordOf(
  { id, service, version, finish }: Rollout,
  { number, reason, p, own, usual }: { number: number; reason: string; p: number; own: number; usual: number },
  { stamp, reported, at }: { stamp: (at: number) => number; reported: number; at: number },
): WatchRecord {
  const time = (seconds: number) => timestamp(stamp(seconds));
  const metric = { name: 'errors', verdict: 'degraded', reason };
  return WatchRecord.parse({
    id: WatchId.parse(`wch_${id.slice('chg_'.length)}`),
    change_id: id,
    service,
    environment: 'production',
    version,
    baseline: null,
    started_at: time(reported),
    ended_at: time(at),
    checks_planned: CHECKS,
    interval_seconds: INTERVAL_SECONDS,
    outcome: 'degraded',
    reason,
    startup: { seconds: null, max_seconds: 60, slow: false },
    checks: [{ number, due_at: time(at), at: time(at), verdict: 'degraded', reasons: [reason] }],
    metrics: [
      { ...metric, version: own, baseline: usual, change: usual > 0 ? own / usual : null, p, comparison: 'before' },
    ],
    deployed_at: time(finish),
    degraded_since: time(finish),
    samples: [],
    findings: ['degraded'],
    reported: ['degraded'],
    run: 1,
    execution: null,
    rev: 1,
  });
}
