import { healthOf, type HealthQuery } from '../../domain/catalogue/health.ts';
import type { Curve } from '../../domain/correlation/evidence.ts';
import { requestsOf } from '../../domain/correlation/query.ts';
import type { Story } from '../../domain/messages/story.ts';
import { BoundedMap } from '../../domain/bounded-map.ts';
import { onceFor } from '../../domain/once-for.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { inTime } from '../../stores/in-time.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { millisOf, plusSeconds, secondsBetween, type Timestamp, timestamp } from '../../../schemas/time/time.ts';

/** Samples of the health query of an incident as they are now, with the requests and the health of each version. */
export type LiveHealth = {
  query: HealthQuery;
  from: Timestamp;
  until: Timestamp;
  curve: Curve;
  /** Requests per second. Null: no query is known, or no answer. */
  traffic: Curve | null;
  /** Health by version, the newest versions last. Empty: no query is configured, or no answer. */
  versions: readonly { version: string; curve: Curve }[];
};

/** `isCurrent`: false if Prometheus does not answer, so that newer samples are missing. */
export type LiveHealthRead = { live: LiveHealth; isCurrent: boolean };

/**
 * Seconds before the problem, and after the end of the incident, that are read. After a recovery that health has verified, none: what
 * follows is another problem. Alerts can end before health is within its limit.
 */
const BEFORE_SECONDS = 30 * 60;
const AFTER_SECONDS = 10 * 60;

/** A problem that began long before the incident, such as a leak, is not read from its start. */
const LOOK_BACK_SECONDS = 12 * 3600;

const SAMPLES_MAX = 360;
const STEP_SECONDS_MIN = 15;

/** Seconds between two reads for one incident, however many people look at it. A read is three queries at most. */
const FRESH_SECONDS = 10;

/** Seconds after which samples that could not be read again are not called current. */
const CURRENT_SECONDS = 30;

/** Milliseconds that a page without current samples waits for them. A later answer is shown with its next update. */
const PATIENCE_MS = 300;

const CACHED_MAX = 100;

/** What is known of one incident. `triedAt`: start of the newest read. */
type Slot = { live: LiveHealth | null; readAt: Timestamp | null; triedAt: Timestamp; pending: Promise<void> | null };

const slotsOf = onceFor(() => new BoundedMap<Slot>(CACHED_MAX));

type Subject = Pick<Story, 'incident' | 'signals'>;

/**
 * Reads the health query of an incident from half an hour before the problem until now, or until some minutes after the
 * incident's end. Waits a moment at most, and reads at most once in ten seconds. Null: nothing is configured, or nothing was
 * read yet.
 *
 * @param onset when the problem began, if a judgement has found that
 */
export async function readLiveHealth(
  deps: Pick<Deps, 'metrics' | 'config' | 'clock' | 'log'>,
  { incident, signals }: Subject,
  onset: Timestamp | null,
): Promise<LiveHealthRead | null> {
  const query = healthOf(await deps.config.current(), incident);
  if (query === undefined || incident.group_reason !== undefined) return null;
  const slots = slotsOf(deps.metrics);
  const now = deps.clock.now();
  const slot = slots.get(incident.id) ?? { live: null, readAt: null, triedAt: timestamp(0), pending: null };
  const after = incident.verification === 'passed' ? 0 : AFTER_SECONDS;
  const end = incident.resolved_at === null ? null : plusSeconds(incident.resolved_at, after);
  const isWhole = end !== null && slot.live !== null && slot.readAt !== null && slot.readAt >= end;
  if (!isWhole && slot.pending === null && secondsBetween(slot.triedAt, now) >= FRESH_SECONDS) {
    const until = end === null || now < end ? now : end;
    slot.triedAt = now;
    slot.pending = readHealthBetween(deps, query, {
      from: firstSampleOf(incident, signals, onset),
      until,
    })
      .then((live) => {
        if (live !== null) [slot.live, slot.readAt] = [untilWithin(live, incident.resolved_at), now];
      })
      .catch((error: unknown) =>
        deps.log.warn('the health of an incident could not be read', { incident: incident.id, error: String(error) }),
      )
      .finally(() => {
        slot.pending = null;
      });
  }
  slots.set(incident.id, slot); // the incidents that were read last stay
  const isCurrent = (): boolean =>
    isWhole || (slot.readAt !== null && secondsBetween(slot.readAt, now) <= CURRENT_SECONDS);
  if (slot.pending !== null && !isCurrent()) await inTime(PATIENCE_MS, slot.pending);
  return slot.live === null ? null : { live: slot.live, isCurrent: isCurrent() };
}

/** Returns the samples until health is within its limit after the end of an incident: what fails later is another problem. */
function untilWithin(live: LiveHealth, end: Timestamp | null): LiveHealth {
  const within = end === null ? undefined : live.curve.find(([at, value]) => at >= end && value <= live.query.max);
  if (within === undefined) return live;
  const [until] = within;
  const cut = (curve: Curve): Curve => curve.filter(([at]) => at <= until);
  return {
    ...live,
    until,
    curve: cut(live.curve),
    traffic: live.traffic && cut(live.traffic),
    versions: live.versions.map((one) => ({ ...one, curve: cut(one.curve) })),
  };
}

/** Returns the time from which on the samples of an incident are read. @param onset when the problem began, if that is known */
export function firstSampleOf(
  { opened_at: openedAt }: Pick<Subject['incident'], 'opened_at'>,
  signals: readonly Pick<Signal, 'startsAt'>[],
  onset: Timestamp | null = null,
): Timestamp {
  const first = firstOf([openedAt, ...signals.map(({ startsAt }) => startsAt), ...(onset === null ? [] : [onset])]);
  const oldest = plusSeconds(openedAt, -LOOK_BACK_SECONDS);
  return plusSeconds(first < oldest ? oldest : first, -BEFORE_SECONDS);
}

const firstOf = (times: readonly Timestamp[]): Timestamp => times.reduce((one, other) => (other < one ? other : one));

/** Reads all queries at once. Null: the health query has no answer. @param signal ends the wait for it */
export async function readHealthBetween(
  { metrics }: Pick<Deps, 'metrics'>,
  query: HealthQuery,
  span: { from: Timestamp; until: Timestamp },
  signal?: AbortSignal,
): Promise<LiveHealth | null> {
  const seconds = secondsBetween(span.from, span.until);
  const stepSeconds = STEP_SECONDS_MIN * Math.max(1, Math.ceil(seconds / SAMPLES_MAX / STEP_SECONDS_MIN));
  const from = timestamp(Math.floor(millisOf(span.from) / (stepSeconds * 1000)) * stepSeconds * 1000);
  // The requests of all versions together are all requests.
  const traffic = query.traffic ?? requestsOf(query.promql) ?? query.trafficByVersion ?? null;
  const step = { stepSeconds, ...(signal !== undefined && { signal }) };
  const [curve, requests, versions] = await Promise.all([
    metrics.range(query.promql, from, span.until, 'max', step),
    traffic === null ? null : metrics.range(traffic, from, span.until, 'sum', step),
    query.byVersion === undefined
      ? null
      : metrics.rangeByLabel(query.byVersion, 'version', from, span.until, 'max', step),
  ]);
  if (curve === null || curve.length === 0) return null;
  return {
    query,
    from,
    until: span.until,
    curve,
    traffic: requests === null || requests.length === 0 ? null : requests,
    versions: (versions ?? [])
      .filter((one) => one.curve.length > 0)
      .map((one) => ({ version: one.label, curve: one.curve }))
      .toSorted((a, b) => ((a.curve[0]?.[0] ?? '') < (b.curve[0]?.[0] ?? '') ? -1 : 1)),
  };
}
