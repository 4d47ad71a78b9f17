import type {
  ByFlag,
  Curve,
  Evidence,
  Failing,
  OnsetEvidence,
  RelatedChange,
} from '../../core/domain/correlation/evidence.ts';
import { branchLabels, withLabelsRead } from '../../core/domain/correlation/branch-labels.ts';
import { callersOf, type Dependency, dependenciesOf } from '../../core/domain/catalogue/dependencies.ts';
import { environmentEntry } from '../../core/domain/catalogue/catalogue.ts';
import { healthOf, type HealthQuery, wholeOfHealth } from '../../core/domain/catalogue/health.ts';
import { LEAK_LOOK_BACK_SECONDS, LEAK_STEP_SECONDS, risesThroughout } from '../../core/domain/correlation/leak.ts';
import { onsetOf } from '../../core/domain/correlation/onset.ts';
import { shownUntil, withoutSamples } from '../../core/domain/correlation/recovery.ts';
import { isQuantile, quantileOf, windowOf } from '../../core/domain/correlation/query.ts';
import { withoutStale } from '../../core/domain/correlation/stale.ts';
import type { Opening } from '../../core/domain/incidents/incident-group.ts';
import type { SignalView } from '../../core/domain/ports/alerts.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { activeClearings, clearedByPeople } from '../../core/domain/changes/cleared-suspects.ts';
import { flagKeyOf } from '../../core/domain/changes/flags.ts';
import { problemStart } from '../../core/domain/incidents/new-onset.ts';
import { byStart, endOf, newestLiveChange, putsVersionLive, sameVersion } from '../../core/domain/changes/versions.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { failingOf } from './failing.ts';
import { seenByCallers } from './callers.ts';
import { podsSeen } from './pods.ts';
import { byVersionOf, closeVersionsOf, instancesOf, versionsWindow } from './versions.ts';

/** Look-back for causes. */
const LOOK_BACK_SECONDS = 2 * 3600;

/** Look-back for metric curves: errors that come back each hour show twice. */
const CURVE_SECONDS = 2.5 * 3600;

/** Number of newest changes read per dependency, and per caller. */
const CHANGES_READ = 20;

/** Labels in which monitoring reports the version that an alert is about. */
const VERSION_LABELS: ReadonlySet<string> = new Set([
  'version',
  'app_version',
  'app_kubernetes_io_version',
  'destination_version',
  'release',
  'image_tag',
]);

/** Gathers the evidence for the search for the cause. Marks unreadable evidence as unknown. */
export async function evidenceOf(
  deps: Deps,
  incident: IncidentRecord,
  context: {
    config: Config;
    cause: readonly SignalView[];
    own: readonly Change[];
    aborted: Evidence['aborted_canary'] | null;
    degraded: Evidence['degraded_version'] | null;
    /** Time of the evidence. Absent: now. */
    at?: Timestamp;
    /** The incidents of `openedTogether`, if they are read already. */
    together?: Promise<Opening[]>;
  },
): Promise<{ evidence: Evidence; neighboursUnreadable: boolean }> {
  const { config, cause, own, aborted, degraded, together, at = timeOf(deps, cause) } = context;
  const { id, service, environment } = incident;
  const health = healthOf(config, incident);
  const isKnown = incident.unmatched === null;
  const dependencies = isKnown ? dependenciesOf(config.services, service) : [];
  const callers = isKnown ? callersOf(config.services, service) : [];
  const [onset, usualCurves, earlier] = await Promise.all([
    onsetEvidence(deps, cause, { openedAt: problemStart(incident), isMeasured: health !== undefined }),
    measure(deps, health, { from: plusSeconds(at, -CURVE_SECONDS), until: at }),
    earlierProblem(deps, incident, health),
  ]);
  const live = withoutStale(usualCurves);
  const newest = live === usualCurves ? await withNewestSamples(deps, health, live, { onset, at }) : live;
  const long = await withLongCurve(deps, health, newest, { onset, at });
  const measured = earlier === null ? long : withoutSamples(long, earlier);
  const estimatedOnset = onsetOf({ ...measured, onset, at });
  const since = plusSeconds(estimatedOnset.earliest, -LOOK_BACK_SECONDS);
  const neighbours = [
    ...dependencies,
    ...callers.filter((one) => dependencies.every((each) => each.service !== one.service)),
  ];
  const [neighbourChanges, others] = await Promise.all([
    Promise.all(neighbours.map((each) => changesOf(deps, { environment, dependency: each }, since))),
    failingOf(deps, incident, {
      config,
      dependencies,
      at,
      onset: estimatedOnset,
      isMeasured: measured.health !== null,
      together,
    }).catch((error: unknown) => {
      deps.log.warn('Other failing services could not be read', { incident: id, error: String(error) });
      return null;
    }),
  ]);
  const failing = others && others.failing;
  const undeclaredChanges = await Promise.all(
    (failing ?? []).filter(mayBeUndeclared).map(({ service: name }) => {
      const dependency: Dependency = { service: name, relation: 'undeclared', distance: 1 };
      return changesOf(deps, { environment, dependency }, since);
    }),
  );
  const ownChanges = nearOnset(own, since).map((change): RelatedChange => ({ change, relation: 'same', distance: 0 }));
  const changes = [...ownChanges, ...neighbourChanges.flat(), ...undeclaredChanges.flat()].map((related) => ({
    ...related,
    change: { ...related.change, commits: [] },
  }));
  // Pods speak for and against new versions of the service only.
  const hasOwnVersion = ownChanges.some(({ change }) => putsVersionLive(change));
  const [flags, close, seen, pods, explained, tested] = await Promise.all([
    variantsOf(deps, health, ownChanges, at),
    closeVersionsOf(deps.metrics, health, { own, onset: estimatedOnset, at }).then(async (found) => ({
      ...found,
      ...(await instancesOf(deps.metrics, health, { own, onset: estimatedOnset, at, close: found.by_version_close })),
    })),
    seenByCallers(deps.metrics, health, { own, onset: estimatedOnset, from: plusSeconds(at, -CURVE_SECONDS), at }),
    hasOwnVersion ? podsSeen(deps, health, { target: { service, environment }, config, own, at }) : {},
    measured.health === null ? [] : explainedBefore(deps, incident, own, at),
    lookBefore(deps, incident, config),
  ]);
  const cleared = [...clearedByPeople(incident.cleared)];
  const evidence: Evidence = {
    incident_id: id,
    service,
    environment,
    at,
    onset,
    changes,
    ...measured,
    ...(earlier === null ? close : withoutSamples(close, earlier)),
    ...(earlier === null ? seen : withoutSamples(seen, earlier)),
    ...pods,
    ...(flags.length > 0 && (earlier === null ? { by_flag: flags } : withoutSamples({ by_flag: flags }, earlier))),
    alert_versions: versionsOf(cause),
    ...(aborted && { aborted_canary: aborted }),
    ...(degraded && { degraded_version: degraded }),
    ...(earlier !== null && { earlier_problem: earlier }),
    ...(explained.length > 0 && { explained }),
    failing: failing ?? [],
    ...(others !== null && others.ended.length > 0 && { ended: others.ended }),
    ...(others !== null && others.recovering.length > 0 && { recovering: others.recovering }),
    ...(others !== null && others.unmeasured.length > 0 && { unmeasured: others.unmeasured }),
    ...(failing === null && { failing_unreadable: true as const }),
    ...(tested !== null && { look: tested }),
    ...(cleared.length > 0 && { cleared }),
    ...(config.routes.failTogether === 'ignore' && { strangers_ignored: true as const }),
  };
  const read = withLabelsRead(evidence, branchLabels(own, plusSeconds(at, -CURVE_SECONDS)));
  const unrecorded = unrecordedVersions(read, own);
  return {
    evidence: { ...read, ...(unrecorded.length > 0 && { unrecorded_versions: unrecorded }) },
    neighboursUnreadable: failing === null,
  };
}

const unrecordedVersions = ({ by_version: own, callers }: Evidence, recorded: readonly Change[]): string[] => [
  ...new Set(
    [...(own ?? []), ...(callers?.versions ?? [])]
      .map(({ version }) => version)
      .filter((version) => !recorded.some((change) => sameVersion(change.version, version))),
  ),
];

/** Returns the time of evidence: now, but not before an alert was received. The clock can have been set back since. */
const timeOf = ({ clock }: Pick<Deps, 'clock'>, cause: readonly SignalView[]): Timestamp =>
  cause.reduce((latest, { first_seen_at: at }) => (at > latest ? at : latest), clock.now());

/** Time before the incident's opening at which a problem whose start is not stored has begun at the latest. */
const BEFORE_OPENING_SECONDS = 600;

/**
 * Returns the time of the problems before the newest onset, from the start of the first one. Null: there were none, or they go on. If it is not
 * known whether the one before had ended, its errors since the mitigation count: those before a change speak against the change.
 */
async function earlierProblem(
  { decisions }: Pick<Deps, 'decisions'>,
  { id, opened_at: openedAt, new_onset: newOnset }: IncidentRecord,
  query: HealthQuery | undefined,
): Promise<NonNullable<Evidence['earlier_problem']> | null> {
  if (newOnset?.after === undefined) return null;
  const first = await decisions.inputs(id, 1);
  const from = first ? onsetOf(first.evidence).earliest : plusSeconds(openedAt, -BEFORE_OPENING_SECONDS);
  const { recovered_at: ended, after_change: change } = newOnset;
  const shown =
    change?.mitigated_at === undefined || query === undefined
      ? ended
      : shownUntil(change.mitigated_at, windowOf(query.promql));
  return { from, until: shown < ended ? shown : ended };
}

/** Returns what the newest controlled look at this problem found. Null: there was none. */
async function lookBefore(
  { looks }: Pick<Deps, 'looks'>,
  { id, service, environment, new_onset: newOnset }: IncidentRecord,
  { services }: Config,
): Promise<NonNullable<Evidence['look']> | null> {
  if (environmentEntry(services, { service, environment })?.look === undefined) return null;
  const since = newOnset?.recovered_at ?? '';
  const ended = (await looks.list(id)).flatMap(({ suspect, other, verdict, text, ended_at: at, started_at: started }) =>
    at === null || verdict === null || verdict === 'skipped' || started < since
      ? []
      : [{ suspect, other, verdict, text, at }],
  );
  return ended[0] ?? null;
}

/** Number of incidents of the service that are read. */
const INCIDENTS_READ = 20;

/** Confidence from which a suspect counts as the cause of an incident that is over. */
const CONFIRMED_CONFIDENCE = 0.8;

/** Usual delay in seconds of an alert, at most, if the start of its cause is not known. */
const ALERT_DELAY_SECONDS = 600;

/** Returns the times of earlier incidents with a confirmed cause: a verified mitigation, or a suspect that is certain enough. */
async function explainedBefore(
  { incidents, log }: Pick<Deps, 'incidents' | 'log'>,
  { id, service, environment }: IncidentRecord,
  own: readonly Change[],
  at: Timestamp,
): Promise<NonNullable<Evidence['explained']>> {
  try {
    const { items } = await incidents.recent({
      since: plusSeconds(at, -CURVE_SECONDS),
      limit: INCIDENTS_READ,
      service,
    });
    return items.flatMap((one) => {
      const { opened_at, resolved_at, verification, verifying, suspects, cleared } = one;
      if (one.id === id || one.environment !== environment) return [];
      const [top] = suspects;
      const cause = top && own.find((change) => change.id === top.change_id);
      const isCertain = (top?.confidence ?? 0) >= CONFIRMED_CONFIDENCE && activeClearings(cleared).length === 0;
      const until =
        verification === 'passed'
          ? ((verifying?.failed === true ? undefined : verifying?.at) ?? resolved_at)
          : isCertain
            ? resolved_at
            : null;
      return until === null ? [] : [{ from: cause?.started_at ?? plusSeconds(opened_at, -ALERT_DELAY_SECONDS), until }];
    });
  } catch (error) {
    log.warn('Earlier incidents could not be read, so their errors count', { incident: id, error: String(error) });
    return [];
  }
}

/** Returns whether a failing service can be a dependency or a caller that nobody declared, and that fails since its change. */
const mayBeUndeclared = ({ relation, measured, changed_at }: Failing): boolean =>
  relation === 'unrelated' && measured !== undefined && changed_at !== null;

async function onsetEvidence(
  deps: Deps,
  firing: readonly SignalView[],
  { openedAt, isMeasured }: { openedAt: Timestamp; isMeasured: boolean },
): Promise<OnsetEvidence> {
  const began = (signal: SignalView): Timestamp => beganAt(signal, isMeasured);
  const earliest = firing.toSorted((a, b) => (began(a) < began(b) ? -1 : 1))[0];
  if (earliest === undefined) return { alertStartedAt: openedAt, rule: null };
  const alertReceivedAt = firing.map((signal) => signal.first_seen_at).toSorted()[0];
  const alertname = new Map(earliest.labels).get('alertname');
  const rule =
    alertname === undefined
      ? null
      : await deps.metrics.rule(alertname, { labels: earliest.labels, generatorUrl: earliest.links.source });
  return { alertStartedAt: began(earliest), ...(alertReceivedAt !== undefined && { alertReceivedAt }), rule };
}

/**
 * Returns the alert's start, but at the latest its receipt, in case the sender's clock is wrong. The alert of a watch starts
 * with the first measurement of the version: where health is measured, that shows when the problem really began.
 */
const beganAt = ({ source, startsAt, first_seen_at: receivedAt }: SignalView, isMeasured: boolean): Timestamp =>
  startsAt < receivedAt && !(isMeasured && source === 'watch') ? startsAt : receivedAt;

type Measured = Pick<Evidence, 'health' | 'health_unreadable' | 'traffic' | 'by_version' | 'by_version_window'>;

/** Reads what is configured to be measured. `stepSeconds`: between two samples, by default 30. */
async function measure(
  { metrics }: Deps,
  query: HealthQuery | undefined,
  { from, until, ...step }: { from: Timestamp; until: Timestamp; stepSeconds?: number },
): Promise<Measured> {
  if (query === undefined) return { health: null, traffic: null, by_version: null };
  const [curve, traffic, versions, shares] = await Promise.all([
    metrics.range(query.promql, from, until, 'max', step),
    query.traffic === undefined ? null : metrics.range(query.traffic, from, until, 'sum', step),
    query.byVersion === undefined ? null : metrics.rangeByLabel(query.byVersion, 'version', from, until, 'max', step),
    query.trafficByVersion === undefined
      ? null
      : metrics.rangeByLabel(query.trafficByVersion, 'version', from, until, 'sum', step),
  ]);
  // The course of a query that can be asked for its value only is not known; one that cannot be asked at all is a fault.
  const now = curve === null ? await metrics.value(query.promql) : null;
  const quantile = quantileOf(query.promql);
  const whole = wholeOfHealth(query);
  return {
    health: curve && {
      max: query.max,
      curve,
      window: windowOf(query.promql),
      ...(isQuantile(query.promql) && { quantile: true as const }),
      ...(quantile !== null && { quantile_of: quantile }),
      ...(whole !== null && { whole }),
    },
    ...(now?.kind === 'unreadable' && { health_unreadable: now.detail }),
    traffic,
    by_version: versions && byVersionOf(versions, shares),
    ...versionsWindow(query),
  };
}

/** The most flags whose variants are measured, newest changes first. */
const FLAGS_MEASURED = 3;

/** Label of the series by variant of a flag. */
const VARIANT_LABEL = 'flag_variant';

/** Keys of flags that cannot end a string in a query. */
const SAFE_KEY = /^[\w.:/-]{1,256}$/;

/** Measures the variants of the service's flags that were changed near the onset. */
async function variantsOf(
  { metrics }: Deps,
  query: HealthQuery | undefined,
  own: readonly RelatedChange[],
  at: Timestamp,
): Promise<ByFlag[]> {
  const { byFlagVariant: health, trafficByFlagVariant: traffic } = query ?? {};
  if (health === undefined) return [];
  const changed = own
    .map(({ change }) => change)
    .filter(({ kind }) => kind === 'flag')
    .toSorted((a, b) => byStart(b, a));
  const flags = [...new Set(changed.map(flagKeyOf))].filter((flag) => SAFE_KEY.test(flag)).slice(0, FLAGS_MEASURED);
  const from = plusSeconds(at, -CURVE_SECONDS);
  const found = await Promise.all(
    flags.map(async (flag): Promise<ByFlag[]> => {
      const of = (text: string): string => text.replaceAll('$flag', () => flag);
      const [variants, shares] = await Promise.all([
        metrics.rangeByLabel(of(health), VARIANT_LABEL, from, at, 'max'),
        traffic === undefined ? null : metrics.rangeByLabel(of(traffic), VARIANT_LABEL, from, at, 'sum'),
      ]);
      if (variants === null) return [];
      const window = windowOf(health);
      const isSameWindow = window !== null && traffic !== undefined && window === windowOf(traffic);
      return [{ flag, variants: byVersionOf(variants, shares), ...(isSameWindow && { window }) }];
    }),
  );
  return found.flat();
}

/** Age in seconds up to which a problem is shown by too few samples of the usual step. */
const YOUNG_SECONDS = 180;
/** Seconds before the judgement that are read at a finer step. */
const NEWEST_SECONDS = 300;
const USUAL_STEP_SECONDS = 30;

/**
 * Reads the newest samples again if the problem is young: in the interval at which the alert's rule is evaluated, which is
 * how often its values can change.
 */
async function withNewestSamples(
  deps: Deps,
  query: HealthQuery | undefined,
  usualCurves: Measured,
  { onset: { rule, alertStartedAt }, at }: { onset: OnsetEvidence; at: Timestamp },
): Promise<Measured> {
  if (rule === null || usualCurves.health === null || rule.intervalSeconds >= USUAL_STEP_SECONDS) return usualCurves;
  if (secondsBetween(alertStartedAt, at) + rule.forSeconds > YOUNG_SECONDS) return usualCurves;
  const from = plusSeconds(at, -NEWEST_SECONDS);
  const stepSeconds = Math.max(1, Math.round(rule.intervalSeconds));
  const newest = await measure(deps, query, { from, until: at, stepSeconds });
  const joinCurves = (before: Curve, after: Curve): Curve => [...before.filter(([time]) => time < from), ...after];
  const { health, traffic, by_version: versions } = newest;
  return {
    ...usualCurves,
    health:
      health === null ? usualCurves.health : { ...health, curve: joinCurves(usualCurves.health.curve, health.curve) },
    traffic:
      traffic === null || usualCurves.traffic === null ? usualCurves.traffic : joinCurves(usualCurves.traffic, traffic),
    by_version:
      versions === null || usualCurves.by_version === null
        ? usualCurves.by_version
        : versionsJoined(usualCurves.by_version, versions, joinCurves),
  };
}

/** Reads the samples of two days as well if the usual ones rise throughout, as of a leak, so that its start is before them. */
async function withLongCurve(
  { metrics }: Deps,
  query: HealthQuery | undefined,
  usualCurves: Measured,
  { onset: { alertStartedAt }, at }: { onset: OnsetEvidence; at: Timestamp },
): Promise<Measured> {
  const { health } = usualCurves;
  if (query === undefined || health === null || !risesThroughout(health, alertStartedAt)) return usualCurves;
  const from = plusSeconds(at, -LEAK_LOOK_BACK_SECONDS);
  const long = await metrics.range(query.promql, from, at, 'max', { stepSeconds: LEAK_STEP_SECONDS });
  return long === null ? usualCurves : { ...usualCurves, health: { ...health, long } };
}

/** Joins the curves of each version that has been measured at any time. */
function versionsJoined(
  before: NonNullable<Evidence['by_version']>,
  after: NonNullable<Evidence['by_version']>,
  joinCurves: (before: Curve, after: Curve) => Curve,
): NonNullable<Evidence['by_version']> {
  const names = [...new Set([...before, ...after].map(({ version }) => version))].toSorted();
  const areShared = [...before, ...after].every(({ traffic }) => traffic !== null);
  return names.map((version) => {
    const [old, fresh] = [before, after].map((all) => all.find((one) => one.version === version));
    return {
      version,
      curve: joinCurves(old?.curve ?? [], fresh?.curve ?? []),
      traffic: areShared ? joinCurves(old?.traffic ?? [], fresh?.traffic ?? []) : null,
    };
  });
}

async function changesOf(
  deps: Deps,
  { environment, dependency }: Pick<ServiceEnvironment, 'environment'> & { dependency: Dependency },
  since: Timestamp,
): Promise<RelatedChange[]> {
  const { relation, distance } = dependency;
  const recent = await deps.changes.recent({ service: dependency.service as ServiceName, environment }, CHANGES_READ);
  return nearOnset(recent, since).map((change) => ({ change, relation, distance }));
}

/**
 * Returns the changes near the onset, and for each the version that ran before it, however old: a version that is
 * deployed again is not new.
 */
function nearOnset(changes: readonly Change[], since: Timestamp): Change[] {
  const near = changes.filter((change) => endOf(change) >= since || change.status === 'started');
  const before = near.map((one) => newestLiveChange(changes.filter((change) => byStart(change, one) < 0)));
  const selected = new Set([...near, ...before]);
  return changes.filter((change) => selected.has(change));
}

/** Returns the versions in labels. The alert of a watch names the version that Firebreak watched, and not what fails. */
const versionsOf = (signals: readonly SignalView[]): string[] => [
  ...new Set(
    signals
      .filter(({ source }) => source !== 'watch')
      .flatMap(({ labels }) => labels.filter(([name]) => VERSION_LABELS.has(name)).map(([, value]) => value)),
  ),
];
