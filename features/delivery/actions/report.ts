import { doraReport, type DoraReport, type InScope } from '../decisions/figures.ts';
import { isRated } from '../../../core/domain/incidents/figures.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { repositoryPathOf } from '../../../core/domain/catalogue/repositories.ts';
import { type ReworkByCommit, reworkByCommit } from '../decisions/rework.ts';
import type { Deps } from '../ports.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { DeployRecord } from '../deploy-record.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

export type DeliveryDeps = Pick<Deps, 'deployHistory' | 'attributions' | 'incidents' | 'code' | 'config' | 'clock'>;

/** The scope of a report. Absent: all services, teams, or tiers, and all production environments. */
export type DeliveryScope = {
  service?: ServiceName;
  environment?: EnvironmentName;
  team?: string;
  tier?: number;
};

export type DeliveryRequest = {
  /** Length of the window, which ends now. */
  seconds: number;
  scope: DeliveryScope;
  /** Returns whether the reader may see a service and environment. */
  isVisible: InScope;
};

/** Incidents that a report reads at most. */
const INCIDENTS_MAX = 20_000;

/** An incident can open before the recorded start of the deploy that caused it, by the difference of the clocks. */
const CLOCKS_DIFFER_SECONDS = 15 * 60;

/** How long before the window deploys are read, to know which versions ran before: a deploy of one of them is a rollback. */
const DEPLOYED_BEFORE_SECONDS = 14 * 24 * 3600;

/** How long before the window merges are read, for deploys whose commits have no known time. */
const MERGED_BEFORE_SECONDS = 30 * 24 * 3600;

/** A report with its window and the environments that count. `complete`: false if there are too many incidents. */
export type DeliveryReport = DoraReport & {
  from: Timestamp;
  until: Timestamp;
  environments: readonly string[];
  complete: boolean;
};

/** Computes the delivery figures of a window that ends now. */
export const deliveryReport = async (deps: DeliveryDeps, request: DeliveryRequest): Promise<DeliveryReport> =>
  (await deliveryReports(deps, request))(request.seconds);

/** Reads the records of the longest window, and returns what computes the figures of a window of so many seconds that ends now. */
export async function deliveryReports(
  deps: DeliveryDeps,
  { seconds, scope, isVisible }: DeliveryRequest,
): Promise<(seconds: number) => DeliveryReport> {
  const config = await deps.config.current();
  const now = deps.clock.now();
  const from = plusSeconds(now, -seconds);
  const environments = scope.environment === undefined ? config.delivery.environments : [scope.environment];
  const query = {
    from: plusSeconds(from, -DEPLOYED_BEFORE_SECONDS),
    until: now,
    environments,
    ...(scope.service !== undefined && { service: scope.service }),
  };
  const [deploys, { items, isComplete }, corrections] = await Promise.all([
    deps.deployHistory.read(query),
    deps.incidents.recent({ since: plusSeconds(from, -CLOCKS_DIFFER_SECONDS), limit: INCIDENTS_MAX }),
    deps.attributions.all(),
  ]);
  const incidents = items.filter(isRated);
  const inScope: InScope = (one) =>
    environments.includes(one.environment) && matchesScope(config, scope, one.service) && isVisible(one);
  const rework = await reworkSince(
    deps,
    config,
    deploys.filter((one) => inScope(one) && one.started_at >= from),
    from,
  );
  return (length) => {
    const window = { from: plusSeconds(now, -length), until: now };
    const records = { deploys, incidents, corrections, rework };
    return {
      ...doraReport(records, { ...window, now }, inScope, config.delivery),
      ...window,
      environments,
      complete: isComplete,
    };
  };
}

/** Reads the pull requests that the deploys can contain. */
async function reworkSince(
  { code }: Pick<Deps, 'code'>,
  { services, delivery }: Config,
  deploys: readonly DeployRecord[],
  from: Timestamp,
): Promise<ReworkByCommit> {
  const names = new Set(deploys.map(({ service }) => service));
  const repositories = [...names].flatMap((name) => serviceEntry(services, name)?.repository ?? []);
  // A merge is never older than the oldest commit that it brings.
  const oldest = deploys
    .flatMap(({ commits }) => commits.map(([, at]) => at))
    .reduce((first, at) => (at < first ? at : first), plusSeconds(from, -MERGED_BEFORE_SECONDS));
  const merged = await Promise.all(
    [...new Set(repositories.map(repositoryPathOf))].map((repository) => code.merged(repository, oldest)),
  );
  return reworkByCommit(merged.flat(), delivery);
}

function matchesScope(
  { services }: Pick<Config, 'services'>,
  { service, team, tier }: DeliveryScope,
  name: ServiceName,
) {
  const entry = serviceEntry(services, name);
  return (
    (service === undefined || service === name) &&
    (team === undefined || entry?.team === team) &&
    (tier === undefined || entry?.tier === tier)
  );
}
