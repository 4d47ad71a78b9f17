import type { HealthQuery } from '../../core/domain/catalogue/health.ts';
import { putsVersionLive } from '../../core/domain/changes/versions.ts';
import type { Evidence, InstancesOfVersion } from '../../core/domain/correlation/evidence.ts';
import type { Onset } from '../../core/domain/correlation/onset.ts';
import {
  byInstance,
  INSTANCE_LABELS,
  requestsOf,
  samplesIn,
  windowOf,
  withWindow,
} from '../../core/domain/correlation/query.ts';
import type { Metrics } from '../../core/domain/ports/metrics.ts';
import type { Change } from '../../schemas/changes/change.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { UNKNOWN_WINDOW_SECONDS } from '../../core/domain/correlation/unknown-window.ts';

type Versions = NonNullable<Evidence['by_version']>;
type Labelled = NonNullable<Awaited<ReturnType<Metrics['rangeByLabel']>>>;

/** Returns the time that the values by version cover, if it is the same for errors and requests. */
export function versionsWindow({ byVersion, trafficByVersion }: HealthQuery): Pick<Evidence, 'by_version_window'> {
  if (byVersion === undefined || trafficByVersion === undefined) return {};
  const window = windowOf(byVersion);
  return window !== null && window === windowOf(trafficByVersion) ? { by_version_window: window } : {};
}

/** Joins the health of versions with their traffic, which can show versions without any error. */
export function byVersionOf(versions: Labelled, shares: Labelled | null): Versions {
  const known = versions.map((one) => ({
    version: one.label,
    curve: one.curve,
    // A version without requests has no series.
    traffic: shares && (shares.find(({ label }) => label === one.label)?.curve ?? []),
  }));
  // If the queries name versions differently, a version of one is none of the other.
  const areNamedAlike = known.length > 0 && known.every(({ traffic }) => traffic !== null && traffic.length > 0);
  const otherVersions = areNamedAlike
    ? shares?.filter(({ label }) => known.every(({ version }) => version !== label))
    : [];
  return [
    ...known,
    ...(otherVersions ?? []).map(({ label, curve }) => ({ version: label, curve: [], traffic: curve })),
  ];
}

/** Scrapes that a window contains at least, so that a missed one leaves a rate. */
const SCRAPES = 4;

/** Part of the configured window above which a shorter one shows nothing new. */
const SHORTER = 0.8;

const STEP_SECONDS = 15;

/** Time before the deploy in which scrapes are counted. */
const COUNT_SECONDS = 300;

/** Time in seconds before the start of the deploy and after the onset that is read, and the longest time between both. */
const BEFORE_SECONDS = 600;
const AFTER_SECONDS = 900;
const BETWEEN_SECONDS = 1800;

/**
 * Reads health and requests by version around the newest deploy over the shortest window that the scrape interval permits.
 * Values over ten minutes hardly show whether the old version was gone before the errors began. Without a query for the
 * requests, they are what the health query divides by.
 */
export async function closeVersionsOf(
  metrics: Metrics,
  query: HealthQuery | undefined,
  { own, onset, at, label = 'version' }: { own: readonly Change[]; onset: Onset; at: Timestamp; label?: string },
): Promise<Pick<Evidence, 'by_version_close'>> {
  const start = newestStart(own, onset);
  if (query?.byVersion === undefined || start === null) return {};
  const traffic = query.trafficByVersion ?? requestsOf(query.byVersion);
  const window = await shortestWindow(metrics, { health: query.byVersion, traffic }, start);
  const usual = windowOf(query.byVersion);
  const showsMore = query.trafficByVersion === undefined && traffic !== null;
  if (window === null || usual === null || (window > SHORTER * usual && !showsMore)) return {};
  const health = withWindow(query.byVersion, window);
  const requests = traffic === null ? null : withWindow(traffic, window);
  if (health === null || (traffic !== null && requests === null)) return {};
  const from = plusSeconds(start, -BEFORE_SECONDS);
  const end = plusSeconds(onset.latest, AFTER_SECONDS);
  const until = end < at ? end : at;
  const step = { stepSeconds: STEP_SECONDS };
  const [versions, shares] = await Promise.all([
    metrics.rangeByLabel(health, label, from, until, 'max', step),
    requests === null ? null : metrics.rangeByLabel(requests, label, from, until, 'sum', step),
  ]);
  return versions === null ? {} : { by_version_close: { window, versions: byVersionOf(versions, shares) } };
}

/** The most instances of a version that are kept: the worst and the oldest ones. */
const WORST_INSTANCES = 15;
const OLDEST_INSTANCES = 5;

/** Time in seconds before the onset, or before the deploy if that was earlier, that is read of instances. */
const INSTANCES_BEFORE_SECONDS = 300;

/** Step in seconds of queries over the configured window, a multiple of that of closer looks. */
const LONGEST_STEP_SECONDS = 30;

/**
 * Reads health and requests of the instances of each version since the newest deploy, over the shorter window if there is one.
 * Keeps the versions of which an instance is or was above the limit, and those that its instances had before.
 */
export async function instancesOf(
  metrics: Metrics,
  query: HealthQuery | undefined,
  {
    own,
    onset,
    at,
    close,
  }: { own: readonly Change[]; onset: Onset; at: Timestamp; close: Evidence['by_version_close'] },
): Promise<Pick<Evidence, 'by_instance'>> {
  if (query?.byVersion === undefined) return {};
  const over = (promql: string): string => (close && withWindow(promql, close.window)) ?? promql;
  const traffic = query.trafficByVersion ?? requestsOf(query.byVersion);
  const [health, requests] = [query.byVersion, traffic].map((one) => (one === null ? null : byInstance(over(one))));
  if (health == null) return {};
  const start = newestStart(own, onset);
  const first = start !== null && start < onset.earliest ? start : onset.earliest;
  // Samples are counted from the start of the range, and the newest one decides.
  const steps = Math.ceil((secondsBetween(first, at) + INSTANCES_BEFORE_SECONDS) / LONGEST_STEP_SECONDS);
  const from = plusSeconds(at, -steps * LONGEST_STEP_SECONDS);
  const labels = ['version', ...INSTANCE_LABELS];
  const step = close === undefined ? {} : { stepSeconds: STEP_SECONDS };
  const [curves, rates] = await Promise.all([
    metrics.rangeByLabel(health, labels, from, at, 'max', step),
    requests == null ? null : metrics.rangeByLabel(requests, labels, from, at, 'sum', step),
  ]);
  const served =
    windowOf(over(rates === null || traffic === null ? query.byVersion : traffic)) ?? UNKNOWN_WINDOW_SECONDS.longest;
  const versions = versionsWithInstances(byVersionOf(curves ?? [], rates), {
    max: query.max,
    window: served,
    since: onset.earliest,
  });
  return versions === null ? {} : { by_instance: { window: windowOf(over(query.byVersion)), versions } };
}

type Named = Versions[number] & { name: string };

/**
 * Returns the versions of which an instance is or was above the limit since the problem can have begun, and those that its instances
 * had before. Null: no instance of a version is known.
 *
 * @param window seconds for which values show a version after its end
 */
function versionsWithInstances(
  all: Versions,
  { max, window, since }: { max: number; window: number; since: Timestamp },
): InstancesOfVersion[] | null {
  const named = all.flatMap(({ version: labels, ...one }) => {
    const [version = '', pod, instance] = labels.split('\n');
    const name = pod || instance;
    return name ? [{ ...one, version, name }] : [];
  });
  const worst = ({ curve }: Pick<Versions[number], 'curve'>): number => curve.at(-1)?.[1] ?? 0;
  const ofOneVersion = [...Map.groupBy(named, ({ name }) => name).values()].flatMap((alike) =>
    alike.filter(({ version }) => !servesOthers(alike, version, window)),
  );
  if (ofOneVersion.length === 0) return null;
  const byVersion = [...Map.groupBy(ofOneVersion, ({ version }) => version)];
  const hasFailed = ({ curve }: Named): boolean => curve.some(([at, value]) => at >= since && value > max);
  const failing = byVersion.filter(([, instances]) => instances.some(hasFailed));
  const names = new Set(failing.flatMap(([, instances]) => instances.map(({ name }) => name)));
  return byVersion
    .filter((one) => failing.includes(one) || one[1].some(({ name }) => names.has(name)))
    .map(([version, series]) => {
      // A pod has a series for each of its ports.
      const instances = [
        ...new Map(series.toSorted((a, b) => worst(a) - worst(b)).map((one) => [one.name, one])).values(),
      ];
      const worstFirst = instances.toSorted((a, b) => worst(b) - worst(a));
      const oldest = worstFirst.slice(WORST_INSTANCES).toSorted((a, b) => (beginOf(a) < beginOf(b) ? -1 : 1));
      return {
        version,
        instances: [...worstFirst.slice(0, WORST_INSTANCES), ...oldest.slice(0, OLDEST_INSTANCES)].map(
          ({ name, curve, traffic }) => ({ name, curve, traffic }),
        ),
      };
    });
}

/** Returns the time of the first sample. Empty: there is none. */
const beginOf = ({ curve, traffic }: Pick<Versions[number], 'curve' | 'traffic'>): string =>
  [curve[0], traffic?.[0]].flatMap((sample) => sample?.[0] ?? []).toSorted()[0] ?? '';

/**
 * Returns whether an instance serves another version at the same time, as a collector or a proxy does: then it is none of the
 * version. One that keeps its name in a deploy, such as a host, shows both versions only until the window has passed; until
 * then, a collector counts as an instance, too.
 *
 * @param alike series with the name of the instance
 */
function servesOthers(alike: readonly Named[], version: string, window: number): boolean {
  const byVersion = Map.groupBy(alike, (one) => one.version);
  const own = servingTimes(byVersion.get(version) ?? []);
  return [...byVersion].some(([other, series]) => other !== version && lastBeyond(own, servingTimes(series), window));
}

/** Returns whether a run of times that are in both sets lasts longer than some seconds. */
function lastBeyond(own: ReadonlySet<Timestamp>, others: ReadonlySet<Timestamp>, seconds: number): boolean {
  let since: Timestamp | null = null;
  for (const at of [...own.union(others)].toSorted()) {
    since = own.has(at) && others.has(at) ? (since ?? at) : null;
    if (since !== null && secondsBetween(since, at) > seconds) return true;
  }
  return false;
}

const servingTimes = (series: readonly Named[]): Set<Timestamp> =>
  new Set(
    series.flatMap(({ curve, traffic }) =>
      traffic === null ? curve.map(([at]) => at) : traffic.flatMap(([at, rate]) => (rate > 0 ? [at] : [])),
    ),
  );

/** Returns the start of the newest deploy before the onset. Null: there is none within half an hour. */
function newestStart(own: readonly Change[], { latest }: Onset): Timestamp | null {
  const starts = own.filter(putsVersionLive).map((change) => change.started_at);
  const newest = starts
    .filter((start) => start <= latest)
    .toSorted()
    .at(-1);
  return newest === undefined || secondsBetween(newest, latest) > BETWEEN_SECONDS ? null : newest;
}

/** Returns the shortest window in seconds over which a rate is reliable, at most that of the queries. Null: not known. */
async function shortestWindow(
  metrics: Metrics,
  { health, traffic }: { health: string; traffic: string | null },
  start: Timestamp,
): Promise<number | null> {
  const usual = windowOf(traffic ?? health);
  const count = samplesIn(traffic ?? health);
  if (usual === null || count === null) return null;
  // Before the deploy, no instance is new or gone. The newest samples can be late.
  const counts = await metrics.range(count, plusSeconds(start, -COUNT_SECONDS), start, 'max');
  const samples = Math.max(0, ...(counts ?? []).map(([, value]) => value));
  if (samples === 0) return null;
  return Math.min(usual, Math.ceil((SCRAPES * usual) / samples / STEP_SECONDS) * STEP_SECONDS);
}
