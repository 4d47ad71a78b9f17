import { evidenceLevelOf } from '../../core/domain/rollback/target-policy.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { VersionProposal, VersionLabels } from '../../core/domain/ports/metrics.ts';
import { callersQueryOf } from '../../core/domain/catalogue/callers-query.ts';
import { healthOf, type HealthQuery } from '../../core/domain/catalogue/health.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import { windowOf, requestsOf } from '../../core/domain/correlation/query.ts';
import { MIN_SECONDS_SIDE_BY_SIDE } from '../../core/domain/correlation/side-by-side.ts';
import {
  deploysByRecords,
  examinedDeploys,
  NO_HEALTH,
  type PassiveProofs,
  provabilityOf,
} from '../../core/domain/catalogue/provability.ts';
import type { Connections, CountedDeploys } from '../../schemas/config/connections.ts';
import type { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { MEASURING } from '../../core/domain/catalogue/health-scope.ts';
import { otherScope } from '../../core/domain/catalogue/measured-scope.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { DeployerConfig } from '../../schemas/rollback/targets.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { isOfInstances } from '../../core/domain/catalogue/version-labels.ts';
import { sameVersion } from '../../core/domain/changes/versions.ts';
import type { Change } from '../../schemas/changes/change.ts';
import { pooled } from '../../core/domain/concurrency.ts';

/** Services and environments that are examined at the same time. */
const AT_ONCE = 10;

/** What automation can prove for a service and environment. */
type Provable = Connections['evidence'][number];

/** What metrics could prove with a health query. `proposal`: queries that are missing. Null: none. */
type ProvableBy = PassiveProofs & { proposal: VersionProposal | null };

type ProvableDeps = Pick<Deps, 'clock'> & {
  versionLabels: VersionLabels;
  changes: Pick<Deps['changes'], 'recent'>;
  metrics: Pick<Deps['metrics'], 'value' | 'rangeByLabel'>;
};

/** Time in seconds within which a version that runs has samples. */
const RECENT_SECONDS = 300;

/** Says what automation can prove for each environment with a deployer, and proposes the queries that are missing. */
export async function provableByEnvironment(
  deps: ProvableDeps & Pick<Deps, 'config'> & { targets: Pick<Deps['targets'], 'deployerFor'> },
): Promise<Provable[]> {
  const config = await deps.config.current();
  const all = Object.entries(config.services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, { deployer, ...entry }]) =>
      deployer === undefined
        ? []
        : [{ service: service as ServiceName, environment: environment as EnvironmentName, deployer, entry }],
    ),
  );
  const found: Provable[] = [];
  await pooled([...all.entries()], AT_ONCE, async ([index, { service, environment, deployer, entry }]) => {
    const health = healthOf(config, { service, environment });
    const wide = health === undefined ? null : await tooWide(deps, config, { service, environment }, health);
    const { proposal, ...measured } =
      wide === null
        ? await provableBy(deps, { service, environment }, health)
        : { proofs: [], missing: wide, proposal: null, deploys: null };
    const propose = proposal === null ? [] : yamlLines(proposal);
    const hasHealth = health !== undefined;
    const can = provabilityOf({ ...entry, deployer: deployer.kind, hasHealth, measured, propose });
    const steps = [
      ...(wide !== null && can.kind !== 'asks' ? [wide] : []),
      ...can.steps,
      ...(await neverRecorded(deps, { service, environment }, health)),
      ...(await whyNoPods(deps, health)),
      ...(health?.pods === undefined ? await whyNoInstances(deps, { service, environment }, deployer) : []),
      ...(await whyNoCallers(deps, { service, environment }, health)),
    ];
    found[index] = {
      service,
      environment,
      level: evidenceLevelOf(entry),
      can: { ...can, steps },
      ...measured,
      propose,
    };
  });
  return found;
}

/** Says which query measures other services or environments, too. Null: none does. */
async function tooWide(
  { versionLabels }: Pick<ProvableDeps, 'versionLabels'>,
  config: Config,
  serviceEnvironment: ServiceEnvironment,
  health: HealthQuery,
): Promise<string | null> {
  for (const key of MEASURING) {
    const selected = health[key] === undefined ? [] : await versionLabels.series(health[key]);
    for (const { selector, series } of selected ?? []) {
      const others = otherScope(config, serviceEnvironment, series);
      if (others !== null) return `health.${key} is too wide: ${selector} has series ${others}`;
    }
  }
  return null;
}

/** Says which versions were never recorded for this service: nothing is compared with them. */
async function neverRecorded(
  { metrics, changes, clock }: ProvableDeps,
  serviceEnvironment: ServiceEnvironment,
  health: HealthQuery | undefined,
): Promise<string[]> {
  if (health?.byVersion === undefined) return [];
  const at = clock.now();
  const [curves, recorded] = await Promise.all([
    metrics.rangeByLabel(health.byVersion, 'version', plusSeconds(at, -RECENT_SECONDS), at, 'max'),
    changes.recent(serviceEnvironment, 50),
  ]);
  const unknown = (curves ?? []).flatMap(({ label }) =>
    recorded.some(({ version }) => sameVersion(label, version)) ? [] : [label],
  );
  return recorded.length === 0 || unknown.length === 0
    ? []
    : [
        `health.byVersion also names ${unknown.slice(0, 3).join(', ')}, never recorded for this service: nothing is compared with such versions`,
      ];
}

/** Says that the configured matchers select no pods: nothing is known of them then, which looks like pods that are well. */
async function whyNoPods(
  { metrics }: Pick<ProvableDeps, 'metrics'>,
  health: HealthQuery | undefined,
): Promise<string[]> {
  if (health?.pods === undefined) return [];
  const now = await metrics.value(`count(kube_pod_container_info{${health.pods}})`);
  return now?.kind === 'no_data'
    ? ['health.pods selects no pods in kube-state-metrics (kube_pod_container_info): correct its matchers']
    : [];
}

/** Says that the deployer does not show what it runs, such as for lack of a permission. Stand-ins may not have the services of the catalogue. */
async function whyNoInstances(
  { targets }: { targets: Pick<Deps['targets'], 'deployerFor'> },
  serviceEnvironment: ServiceEnvironment,
  entry: DeployerConfig,
): Promise<string[]> {
  const deployer = await targets.deployerFor(entry, serviceEnvironment);
  if (deployer?.instances === undefined || deployer.standIn === true) return [];
  const shown = await deployer.instances({ all: true });
  if (shown.kind === 'refused')
    return [`its pods are not known, so that a version that can't start can be cleared: ${shown.detail}`];
  return shown.kind === 'instances' && shown.unread !== null
    ? [`let its credential list events, so that failed probes and volumes of pods are known: ${shown.unread}`]
    : [];
}

/** Says that what callers measure names no version of a recorded deployment. */
async function whyNoCallers(
  { metrics, changes, clock }: ProvableDeps,
  serviceEnvironment: ServiceEnvironment,
  health: HealthQuery | undefined,
): Promise<string[]> {
  const { callersByVersion } = health ?? {};
  const asked = health && callersByVersion !== undefined ? callersQueryOf({ ...health, callersByVersion }) : null;
  if (asked === null) return [];
  const at = clock.now();
  const from = plusSeconds(at, -RECENT_SECONDS);
  const [found, recorded] = await Promise.all([
    metrics.rangeByLabel(asked.requests, asked.label, from, at, 'sum'),
    changes.recent(serviceEnvironment, 50),
  ]);
  if (found === null || recorded.length === 0) return [];
  const values = found.map(({ label }) => label);
  if (values.length === 0) return [`health.callersByVersion returns no series with the label ${asked.label}`];
  return values.some((value) => recorded.some(({ version }) => sameVersion(value, version)))
    ? []
    : [`health.callersByVersion: ${notRecorded(values)}`];
}

/** Says what automation can prove for one service and environment with this health query. */
export async function provableBy(
  deps: ProvableDeps,
  serviceEnvironment: ServiceEnvironment,
  health: Omit<HealthQuery, 'called'> | undefined,
): Promise<ProvableBy> {
  const nothing = (missing: string) => ({ proofs: [], missing, proposal: null, deploys: null });
  if (health === undefined) return nothing(NO_HEALTH);
  const now = await deps.metrics.value(health.promql);
  if (now === null) return nothing('no Prometheus is connected (PROMETHEUS_URL)');
  if (now.kind === 'unreadable') return nothing(`the health query cannot be read: ${now.detail}`);
  const changes = await deps.changes.recent(serviceEnvironment, 50);
  const isRecorded = (value: string) => changes.some(({ version }) => sameVersion(value, version));
  const areRecorded = (values: readonly string[]) => values.some(isRecorded);
  const areVersions = (values: readonly string[]) => changes.length === 0 || areRecorded(values);
  const measured: PassiveProofs['proofs'] = changes.some(({ canary_weight: weight }) => weight !== null)
    ? ['canary']
    : [];
  if (health.byVersion !== undefined) {
    const at = deps.clock.now();
    const from = plusSeconds(at, -RECENT_SECONDS);
    const curves = await deps.metrics.rangeByLabel(health.byVersion, 'version', from, at, 'max');
    const values = curves?.map(({ label }) => label) ?? [];
    if (values.length === 0)
      return { ...nothing('health.byVersion returns no series with the label version'), proofs: measured };
    if (!areVersions(values)) return { ...nothing(notRecorded(values)), proofs: measured };
    const deploys = (await deploysByRequests(deps, health, changes)) ?? deploysByRecords(changes);
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

/** Greatest age of an examined deploy in seconds (Prometheus keeps 15 days by default), and what is read after a roll-out. */
const EXAMINED_SECONDS = 14 * 86_400;
const AFTER_ROLLOUT_SECONDS = 900;
const STEP_SECONDS = 15;

/** Counts the last deploys that served beside the old version for as long as a proof needs, by the requests by version. */
async function deploysByRequests(
  { metrics, clock }: ProvableDeps,
  { byVersion, trafficByVersion }: Omit<HealthQuery, 'called'>,
  changes: readonly Change[],
): Promise<CountedDeploys | null> {
  const traffic = trafficByVersion ?? (byVersion === undefined ? null : requestsOf(byVersion));
  const window = traffic === null ? null : windowOf(traffic);
  if (traffic === null || window === null) return null;
  const since = plusSeconds(clock.now(), -EXAMINED_SECONDS);
  const deploys = examinedDeploys(changes).filter((change) => change.started_at > since);
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
  return examined === 0 ? null : { examined, side_by_side: sideBySide, by: 'requests' };
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
