import type { Metrics, VersionLabels, VersionProposal } from '../../core/domain/ports/metrics.ts';
import { EnvironmentEntry } from '../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds, type Timestamp, timestamp } from '../../schemas/time/time.ts';
import { isPercent, limitedTo } from '../prometheus/health-query.ts';
import {
  findAlerts,
  findObjects,
  findServices,
  type FoundService,
  type SearchedServer,
} from '../prometheus/service-search.ts';
import { pooled } from '../../core/domain/concurrency.ts';
import { provabilityOf } from '../../core/domain/catalogue/provability.ts';
import type { Provability } from '../../schemas/config/connections.ts';
import { provableBy } from './provable.ts';

/** Services that are examined at the same time. */
const AT_ONCE = 10;

/** A deployer that monitoring shows, such as an application of Argo CD. */
export type FoundDeployer = { kind: string; key: string; name: string; namespace: string | null; from: string };

/** A proposed entry of the catalogue. Its health query was executed and returned a value. */
export type Proposal = {
  service: string;
  environment: string;
  /** Label that names the service in alerts. */
  label: string;
  deployer: FoundDeployer | null;
  /** Null: no query returned a value. */
  health: ProposedHealth | null;
  /** Where the queries come from that were executed. */
  tried: string[];
  /** Where the version is, with queries that were executed. Null: not found. */
  versions: VersionProposal | null;
  can: Provability;
};

export type ProposedHealth = {
  promql: string;
  max: number;
  traffic: string | null;
  /** Where the query comes from. */
  from: string;
  now: number;
  /** What the limit is based on. Null: no samples. */
  history: HealthHistory | null;
};

/** The values of a day. */
export type HealthHistory = {
  /** Value below which it was for 95 % of the time, without what was left out. */
  usual: number;
  from: Timestamp;
  until: Timestamp;
  /** Hours left out, because alerts of the service fired, or as outliers. */
  leftOutHours: number;
};

type CatalogueSources = {
  prometheus: SearchedServer;
  alertmanager: SearchedServer | null;
  metrics: Metrics;
  versionLabels: VersionLabels;
  /** Current time in milliseconds. */
  now: () => number;
};

/** Metrics that list what a CD system manages, by precedence. `key`: setting of the deployer that has the name. */
const DEPLOYERS = [
  { kind: 'argo-cd', key: 'application', metric: 'argocd_app_info', label: 'name', namespace: null },
  { kind: 'flagger', key: 'canary', metric: 'flagger_canary_status', label: 'name', namespace: 'namespace' },
  { kind: 'argo-rollouts', key: 'rollout', metric: 'rollout_info', label: 'name', namespace: 'namespace' },
  {
    kind: 'kubernetes',
    key: 'deployment',
    metric: 'kube_deployment_spec_replicas',
    label: 'deployment',
    namespace: 'namespace',
  },
] as const;

/**
 * Proposes entries of the catalogue from what Prometheus and Alertmanager know.
 *
 * @throws SearchFailure if they cannot be read, or know no service
 */
export async function proposeEntries(sources: CatalogueSources): Promise<Proposal[]> {
  const { prometheus, alertmanager, now } = sources;
  const found = await findServices(prometheus, now());
  if (alertmanager !== null) found.push(...servicesWithoutMetrics(await findAlerts(alertmanager), found));
  const deployers = await deployersOf(prometheus);
  const proposals: Proposal[] = [];
  await pooled([...found.entries()], AT_ONCE, async ([index, one]) => {
    proposals[index] = await proposalFor(sources, one, deployerOf(deployers, one, found));
  });
  return proposals;
}

/** Proposes the entry of a service, and says what automation can prove with it. No changes are recorded yet. */
async function proposalFor(
  { metrics, versionLabels, now }: CatalogueSources,
  found: FoundService,
  deployer: FoundDeployer | null,
): Promise<Proposal> {
  const deps = {
    clock: { now: () => timestamp(now()) },
    changes: { recent: async () => [] },
    metrics,
    versionLabels,
  };
  const { candidates, ...one } = found;
  const where = { service: one.service as ServiceName, environment: one.environment as EnvironmentName };
  const health = await proposeHealth(metrics, found, now());
  const query = health && {
    promql: health.promql,
    max: health.max,
    ...(health.traffic !== null && { traffic: health.traffic }),
  };
  const plain = await provableBy(deps, where, query ?? undefined);
  const versions = plain.proposal;
  const measured =
    versions === null || query === null
      ? plain
      : await provableBy(deps, where, { ...query, byVersion: versions.byVersion });
  const can = provabilityOf({
    deployer: deployer?.kind ?? 'http',
    autoRollback: EnvironmentEntry.parse({}).autoRollback,
    hasHealth: health !== null,
    measured,
    propose: [],
  });
  return { ...one, deployer, health, tried: candidates.map(({ from }) => from), versions, can };
}

/** Returns services whose alerts fire and that have no known metrics. */
function servicesWithoutMetrics(
  alerts: readonly Readonly<Record<string, string>>[],
  known: readonly FoundService[],
): FoundService[] {
  const names = alerts.flatMap(({ service, environment, env }) => {
    const environmentName = environment ?? env ?? known[0]?.environment ?? 'production';
    return service === undefined || known.some((one) => one.service === service) ? [] : [{ service, environmentName }];
  });
  const unique = new Map(names.map((one) => [JSON.stringify(one), one]));
  return [...unique.values()].map(({ service, environmentName }) => ({
    service,
    environment: environmentName,
    label: 'service',
    candidates: [],
  }));
}

/** Returns the deployer of each name that is unique among the objects of its kind. */
async function deployersOf(prometheus: SearchedServer): Promise<Map<string, FoundDeployer>> {
  const found = new Map<string, FoundDeployer>();
  for (const { kind, key, metric, label, namespace } of DEPLOYERS) {
    const objects = await findObjects(prometheus, metric, namespace === null ? [label] : [label, namespace]);
    for (const [name = '', sameNamed] of Map.groupBy(objects, (labels) => labels[label])) {
      if (sameNamed.length !== 1 || name === '' || found.has(name)) continue;
      found.set(name, { kind, key, name, namespace: namespace && (sameNamed[0]?.[namespace] ?? null), from: metric });
    }
  }
  return found;
}

/** Returns the deployer with the name of the environment, or of the service if it has no other environment. */
function deployerOf(
  deployers: ReadonlyMap<string, FoundDeployer>,
  { service, environment }: FoundService,
  found: readonly FoundService[],
): FoundDeployer | null {
  const isOnly = found.filter((one) => one.service === service).length === 1;
  const names = [`${service}-${environment}`, `${environment}-${service}`, ...(isOnly ? [service] : [])];
  return names.map((name) => deployers.get(name)).find((one) => one !== undefined) ?? null;
}

/** Returns the first candidate that has a value now. */
async function proposeHealth(
  metrics: Metrics,
  { service, label, candidates }: FoundService,
  now: number,
): Promise<ProposedHealth | null> {
  for (const { promql, max, traffic, from } of candidates) {
    const current = await metrics.value(promql);
    if (current?.kind !== 'value') continue;
    const unit = isPercent(promql) ? 100 : 1;
    const history = await historyOf(metrics, { promql, alerts: { [label]: service }, unit }, now);
    const limit = max ?? limitAbove(history?.usual ?? current.value, unit);
    return { promql, max: limit, traffic, from, now: current.value, history };
  }
  return null;
}

const DAY_SECONDS = 24 * 3600;
const STEP_SECONDS = 300;
const USUAL_QUANTILE = 0.95;

/** A sample is an outlier above ten times the median and two per cent of requests. */
const OUTLIER_FACTOR = 10;
const OUTLIER_MIN = 0.02;

/**
 * Returns what is usual, without the time in which alerts of the service fired, and without outliers: an outage in the history must
 * not make its error ratio the limit. An alert that fired for most of the day says nothing about when the service was healthy.
 */
async function historyOf(
  metrics: Metrics,
  { promql, alerts, unit }: { promql: string; alerts: Readonly<Record<string, string>>; unit: number },
  now: number,
): Promise<HealthHistory | null> {
  const until = timestamp(now);
  const from = plusSeconds(until, -DAY_SECONDS);
  const options = { stepSeconds: STEP_SECONDS };
  const firingQuery = limitedTo('ALERTS{alertstate="firing"}', alerts);
  const [curve, firing] = await Promise.all([
    metrics.range(promql, from, until, 'max', options),
    metrics.range(firingQuery, from, until, 'max', options),
  ]);
  const all = curve ?? [];
  const firingTimes = new Set((firing ?? []).map(([at]) => at));
  const calm = all.filter(([at]) => !firingTimes.has(at));
  const values = (calm.length * 2 >= all.length ? calm : all).map(([, value]) => value).toSorted((a, b) => a - b);
  const median = values[Math.floor(values.length / 2)] ?? 0;
  const usualValues = values.filter((value) => value <= Math.max(OUTLIER_FACTOR * median, OUTLIER_MIN * unit));
  const usual = usualValues[Math.ceil(usualValues.length * USUAL_QUANTILE) - 1];
  const [first] = all;
  if (usual === undefined || first === undefined) return null;
  return { usual, from: first[0], until, leftOutHours: ((all.length - usualValues.length) * STEP_SECONDS) / 3600 };
}

/** Limits as people write them, as shares of requests. More errors than the last are never healthy. */
const LIMITS = [0.01, 0.02, 0.05, 0.1] as const;
const LIMIT_MAX = 0.1;

/** Returns a limit that is at least twice the usual value, but not above the greatest. @param unit 100 for per cent */
const limitAbove = (usual: number, unit: number): number =>
  unit * (LIMITS.find((limit) => limit * unit >= 2 * usual) ?? LIMIT_MAX);
