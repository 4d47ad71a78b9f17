import type { Deps } from '../../domain/ports/deps.ts';
import type { VersionProposal } from '../../domain/ports/metrics.ts';
import { healthOf, type HealthQuery } from '../../domain/catalogue/health.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import { windowOf, requestsOf } from '../../domain/correlation/query.ts';
import { MIN_SECONDS_SIDE_BY_SIDE } from '../../domain/correlation/side-by-side.ts';
import type { Proof } from '../../domain/correlation/correlate.ts';
import type { EvidenceLevel } from '../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { isOfInstances } from '../../domain/catalogue/version-labels.ts';
import { putsVersionLive, sameVersion } from '../../domain/changes/versions.ts';
import type { Change } from '../../schemas/changes/change.ts';
import { pooled } from '../shared/concurrency.ts';

/** Services and environments that are examined at the same time. */
const AT_ONCE = 10;

/** What automation could prove for a service and environment. */
export type Provable = {
  service: string;
  environment: string;
  level: EvidenceLevel;
  /** What could prove a suspect. Empty: nothing. */
  proofs: Proof[];
  /** Why not more. Null: nothing is missing. */
  missing: string | null;
  /** Lines to add below `health`. Empty: none. */
  propose: string[];
  /** The last deploys: how many could have been proved to be a cause. Null: unknown. */
  deploys: ExaminedDeploys | null;
};

/** `side_by_side`: deploys whose version served beside the old one for long enough to compare both. */
type ExaminedDeploys = { examined: number; side_by_side: number };

/** What automation could prove with a health query. `proposal`: queries that are missing. Null: none. */
type ProvableBy = Pick<Provable, 'proofs' | 'missing' | 'deploys'> & { proposal: VersionProposal | null };

type ProvableDeps = Pick<Deps, 'clock' | 'versionLabels'> & {
  changes: Pick<Deps['changes'], 'recent'>;
  metrics: Pick<Deps['metrics'], 'value' | 'rangeByLabel'>;
};

/** Time in seconds within which a version that runs has samples. */
const RECENT_SECONDS = 300;

/** Says what automation could prove for each environment with a deployer, and proposes the queries that are missing. */
export async function provableByEnvironment(deps: ProvableDeps & Pick<Deps, 'config'>): Promise<Provable[]> {
  const config = await deps.config.current();
  const all = Object.entries(config.services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { deployer, autoRollback }]) => {
      const serviceEnvironment = { service: service as ServiceName, environment: environment as EnvironmentName };
      if (deployer === undefined) return [];
      return [
        { where: serviceEnvironment, level: autoRollback.evidence, health: healthOf(config, serviceEnvironment) },
      ];
    }),
  );
  const found: Provable[] = [];
  await pooled([...all.entries()], AT_ONCE, async ([index, { where: serviceEnvironment, level, health }]) => {
    const { service, environment } = serviceEnvironment;
    const { proofs, missing, deploys, proposal } = await provableBy(deps, serviceEnvironment, health);
    found[index] = {
      service,
      environment,
      level,
      proofs,
      missing,
      propose: proposal === null ? [] : yamlLines(proposal),
      deploys,
    };
  });
  return found;
}

/** Says what automation could prove for one service and environment with this health query. */
export async function provableBy(
  deps: ProvableDeps,
  serviceEnvironment: ServiceEnvironment,
  health: Omit<HealthQuery, 'called'> | undefined,
): Promise<ProvableBy> {
  const nothing = (missing: string) => ({ proofs: [], missing, proposal: null, deploys: null });
  if (health === undefined) return nothing('there is no health query (health.promql) and no objective');
  const now = await deps.metrics.value(health.promql);
  if (now === null) return nothing('no Prometheus is connected (PROMETHEUS_URL)');
  if (now.kind === 'unreadable') return nothing(`the health query cannot be read: ${now.detail}`);
  const changes = await deps.changes.recent(serviceEnvironment, 50);
  const isRecorded = (value: string) => changes.some(({ version }) => sameVersion(value, version));
  const areRecorded = (values: readonly string[]) => values.some(isRecorded);
  const areVersions = (values: readonly string[]) => changes.length === 0 || areRecorded(values);
  const measured: Proof[] = changes.some(({ canary_weight: weight }) => weight !== null) ? ['canary'] : [];
  if (health.byVersion !== undefined) {
    const at = deps.clock.now();
    const from = plusSeconds(at, -RECENT_SECONDS);
    const curves = await deps.metrics.rangeByLabel(health.byVersion, 'version', from, at, 'max');
    const values = curves?.map(({ label }) => label) ?? [];
    if (values.length === 0)
      return { ...nothing('health.byVersion returns no series with the label version'), proofs: measured };
    if (!areVersions(values)) return { ...nothing(notRecorded(values)), proofs: measured };
    const deploys = await examinedDeploys(deps, health, changes);
    return { proofs: ['version', ...measured], missing: null, proposal: null, deploys };
  }
  const proposal = await deps.versionLabels.propose(health, isRecorded);
  if (proposal == null)
    return {
      ...nothing(`health.byVersion is not set, and no label of its series carries a version. ${ADD_A_LABEL}`),
      proofs: measured,
    };
  if (isOfInstances(proposal.label) && !areRecorded(proposal.values))
    return {
      ...nothing(
        `health.byVersion is not set; the label ${proposal.label} (${proposal.values.slice(0, 3).join(', ')}) tells instances apart, ` +
          `but names no version of a recorded deployment. ${ADD_A_LABEL}`,
      ),
      proofs: measured,
    };
  const carrier = proposal.joined === null ? 'its series carry' : `${proposal.joined} carries`;
  const missing = areVersions(proposal.values)
    ? `health.byVersion is not set; ${carrier} the version in the label ${proposal.label}`
    : `health.byVersion is not set; ${carrier} the label ${proposal.label}, but ${notRecorded(proposal.values)}`;
  return { proofs: measured, missing, proposal, deploys: null };
}

/** Newest deploys that are examined, their age in seconds (Prometheus keeps 15 days by default), and what is read after a roll-out. */
const EXAMINED_MAX = 10;
const EXAMINED_SECONDS = 14 * 86_400;
const AFTER_ROLLOUT_SECONDS = 900;
const STEP_SECONDS = 15;

/** Counts the last deploys that served beside the old version for as long as a proof needs, by the requests by version. */
async function examinedDeploys(
  { metrics, clock }: ProvableDeps,
  { byVersion, trafficByVersion }: Omit<HealthQuery, 'called'>,
  changes: readonly Change[],
): Promise<ExaminedDeploys | null> {
  const traffic = trafficByVersion ?? (byVersion === undefined ? null : requestsOf(byVersion));
  const window = traffic === null ? null : windowOf(traffic);
  if (traffic === null || window === null) return null;
  const since = plusSeconds(clock.now(), -EXAMINED_SECONDS);
  const deploys = changes
    .filter((change) => change.kind !== 'rollback' && putsVersionLive(change) && change.started_at > since)
    .slice(0, EXAMINED_MAX);
  let [examined, sideBySide] = [0, 0];
  for (const { version, started_at: from, finished_at: finished } of deploys) {
    const until = plusSeconds(finished ?? from, AFTER_ROLLOUT_SECONDS);
    const options = { stepSeconds: STEP_SECONDS };
    const found = await metrics.rangeByLabel(traffic, 'version', from, until, 'sum', options);
    if (found === null || found.length === 0) continue;
    examined += 1;
    const servedAt = (isOwn: boolean) =>
      new Set(
        found
          .filter(({ label }) => sameVersion(label, version) === isOwn)
          .flatMap(({ curve }) => curve.flatMap(([at, value]) => (value > 0 ? [at] : []))),
      );
    // A rate shows requests until the end of its window.
    const seconds = servedAt(true).intersection(servedAt(false)).size * STEP_SECONDS - window;
    if (seconds >= MIN_SECONDS_SIDE_BY_SIDE) sideBySide += 1;
  }
  return examined === 0 ? null : { examined, side_by_side: sideBySide };
}

const ADD_A_LABEL = 'Add a label with the version to its series or pods, such as app.kubernetes.io/version';

const notRecorded = (values: readonly string[]): string =>
  `its values (${values.slice(0, 3).join(', ')}) are not versions of recorded deployments`;

const yamlLines = ({ byVersion, trafficByVersion }: VersionProposal): string[] => [
  `byVersion: ${quoted(byVersion)}`,
  ...(trafficByVersion === null ? [] : [`trafficByVersion: ${quoted(trafficByVersion)}`]),
];

/** Quotes a text for YAML. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
