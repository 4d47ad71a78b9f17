import type { Evidence, Failing, RelatedChange } from '../../domain/correlation/evidence.ts';
import { serviceEntry } from '../../domain/catalogue.ts';
import { type Dependency, dependenciesOf } from '../../domain/dependencies.ts';
import type { OnsetEvidence } from '../../domain/onset.ts';
import type { Deps, Place, SignalView } from '../../domain/ports.ts';
import { putsVersionLive } from '../../domain/versions.ts';
import type { Change } from '../../schemas/change.ts';
import type { Config, EnvironmentEntry } from '../../schemas/config.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { ServiceName } from '../../schemas/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time.ts';

/** How far back causes are looked for, and the curves are asked for. */
const LOOK_BACK_SECONDS = 2 * 3600;

/** How far back the health query is asked for the first bad sample. */
const ONSET_LOOK_BACK_SECONDS = 1800;

/** Others count as failing at the same time when their incidents opened within so long of each other. */
const TOGETHER_SECONDS = 300;

/** How many newest changes of what a service depends on, and how many others that fail, are looked at. */
const CHANGES_READ = 20;
const FAILING_READ = 12;

/** Labels by which monitoring names the version that an alert is about. */
const VERSION_LABELS: ReadonlySet<string> = new Set([
  'version',
  'app_version',
  'app_kubernetes_io_version',
  'destination_version',
  'release',
  'image_tag',
]);

/** Gathers what the search for the cause looks at. What cannot be read is said as not known. */
export async function evidenceOf(
  deps: Deps,
  incident: IncidentRecord,
  context: {
    config: Config;
    entry: EnvironmentEntry | undefined;
    cause: readonly SignalView[];
    own: readonly Change[];
  },
): Promise<{ evidence: Evidence; neighboursUnreadable: boolean }> {
  const { config, entry, cause, own } = context;
  const { id, service, environment } = incident;
  const at = deps.clock.now();
  const onset = await onsetEvidence(deps, entry, cause, incident.opened_at);
  const known = incident.unmatched === null ? dependenciesOf(config.services, service) : [];
  const since = plusSeconds(onset.firstBadAt ?? onset.alertStartedAt, -LOOK_BACK_SECONDS);
  const [others, failing, measured] = await Promise.all([
    Promise.all(known.map((each) => changesOf(deps, { environment, dependency: each }, since))),
    failingOf(deps, incident, config, known).catch((error: unknown) => {
      deps.log.warn('what else fails could not be read', { incident: id, error: String(error) });
      return null;
    }),
    measure(deps, entry, at),
  ]);
  const mine = own.map((change): RelatedChange => ({ change, relation: 'same', distance: 0 }));
  const changes = [...mine, ...others.flat()]
    .filter(({ change }) => (change.finished_at ?? change.started_at) >= since || change.status === 'started')
    .map((related) => ({ ...related, change: { ...related.change, commits: [] } }));
  const evidence: Evidence = {
    incident_id: id,
    service,
    environment,
    at,
    onset,
    changes,
    ...measured,
    alert_versions: versionsOf(cause),
    failing: failing ?? [],
  };
  return { evidence, neighboursUnreadable: failing === null };
}

async function onsetEvidence(
  deps: Deps,
  entry: EnvironmentEntry | undefined,
  firing: readonly SignalView[],
  openedAt: Timestamp,
): Promise<OnsetEvidence> {
  const earliest = firing.toSorted((a, b) => (a.startsAt < b.startsAt ? -1 : 1))[0];
  if (earliest === undefined) return { alertStartedAt: openedAt, rule: null, firstBadAt: null };
  const alertname = new Map(earliest.labels).get('alertname');
  const [rule, firstBadAt] = await Promise.all([
    alertname === undefined ? null : deps.metrics.rule(alertname),
    entry?.health === undefined
      ? null
      : deps.metrics.firstAbove(entry.health.promql, entry.health.max, earliest.startsAt, ONSET_LOOK_BACK_SECONDS),
  ]);
  return { alertStartedAt: earliest.startsAt, rule, firstBadAt };
}

async function measure(
  deps: Deps,
  entry: EnvironmentEntry | undefined,
  at: Timestamp,
): Promise<Pick<Evidence, 'health' | 'traffic' | 'by_version'>> {
  const query = entry?.health;
  if (query === undefined) return { health: null, traffic: null, by_version: null };
  const from = plusSeconds(at, -LOOK_BACK_SECONDS);
  const [curve, traffic, versions] = await Promise.all([
    deps.metrics.range(query.promql, from, at, 'max'),
    query.traffic === undefined ? null : deps.metrics.range(query.traffic, from, at, 'sum'),
    query.byVersion === undefined ? null : deps.metrics.byLabel(query.byVersion, 'version'),
  ]);
  return {
    health: curve && { max: query.max, curve },
    traffic,
    by_version: versions && versions.map(({ label, value }) => ({ version: label, value, share: null })),
  };
}

async function changesOf(
  deps: Deps,
  { environment, dependency }: Pick<Place, 'environment'> & { dependency: Dependency },
  since: Timestamp,
): Promise<RelatedChange[]> {
  const { relation, distance } = dependency;
  const recent = await deps.changes.recent({ service: dependency.service as ServiceName, environment }, CHANGES_READ);
  return recent
    .filter((change) => (change.finished_at ?? change.started_at) >= since || change.status === 'started')
    .map((change) => ({ change, relation, distance }));
}

/** Others of this environment that began to fail about now, and still do. */
async function failingOf(
  deps: Deps,
  { id, service, environment, opened_at }: IncidentRecord,
  { services, routes }: Config,
  known: readonly Dependency[],
): Promise<Failing[]> {
  const openings = await deps.crowds.openedSince(plusSeconds(opened_at, -TOGETHER_SECONDS));
  const others = openings.filter(
    (each) =>
      each.id !== id &&
      each.unmatched === null &&
      serviceEntry(services, each.service) !== undefined && // a parent of many is no service
      each.environment === environment &&
      each.service !== service &&
      Math.abs(secondsBetween(opened_at, each.at)) <= TOGETHER_SECONDS,
  );
  const still = (await deps.crowds.stillFailing(others)).slice(-FAILING_READ);
  const failing = await Promise.all(
    still.map(async (other): Promise<Failing> => {
      const changed = (await deps.changes.recent({ service: other.service, environment }, 5)).filter(putsVersionLive);
      const newest = changed.findLast(
        (change) => Math.abs(secondsBetween(change.finished_at ?? change.started_at, other.at)) <= LOOK_BACK_SECONDS,
      );
      const relation = known.some((each) => each.service === other.service)
        ? 'dependency'
        : dependenciesOf(services, other.service).some((each) => each.service === service)
          ? 'dependent'
          : 'unrelated';
      return {
        service: other.service,
        since: other.at,
        relation,
        changed_at: newest === undefined ? null : (newest.finished_at ?? newest.started_at),
      };
    }),
  );
  // Where incidents are never taken together, that strangers fail beside each other says nothing.
  return routes.manyAtOnce.incidents === false ? failing.filter(({ relation }) => relation !== 'unrelated') : failing;
}

const versionsOf = (signals: readonly SignalView[]): string[] => [
  ...new Set(
    signals.flatMap(({ labels }) => labels.filter(([name]) => VERSION_LABELS.has(name)).map(([, value]) => value)),
  ),
];
