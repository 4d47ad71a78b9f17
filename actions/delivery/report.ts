import { doraReport, type DoraReport, type InScope } from '../../domain/delivery/figures.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';

export type DeliveryDeps = Pick<Deps, 'deployHistory' | 'attributions' | 'incidents' | 'config' | 'clock'>;

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
  of: DeliveryScope;
  /** Returns whether the reader may see a service and environment. */
  may: InScope;
};

/** Incidents that a report reads at most. */
const INCIDENTS_MAX = 20_000;

/** An incident can open before the recorded start of the deploy that caused it, by the difference of the clocks. */
const CLOCKS_DIFFER_SECONDS = 15 * 60;

/** A report with its window and the environments that count. `complete`: false if there are too many incidents. */
export type DeliveryReport = DoraReport & {
  from: Timestamp;
  until: Timestamp;
  environments: readonly string[];
  complete: boolean;
};

/** Computes the delivery figures of a window that ends now. */
export async function deliveryReport(
  deps: DeliveryDeps,
  { seconds, of, may }: DeliveryRequest,
): Promise<DeliveryReport> {
  const config = await deps.config.current();
  const now = deps.clock.now();
  const from = plusSeconds(now, -seconds);
  const environments = of.environment === undefined ? config.delivery.environments : [of.environment];
  const query = { from, until: now, environments, ...(of.service !== undefined && { service: of.service }) };
  const [deploys, { items, isComplete }, corrections] = await Promise.all([
    deps.deployHistory.read(query),
    deps.incidents.recent({ since: plusSeconds(from, -CLOCKS_DIFFER_SECONDS), limit: INCIDENTS_MAX }),
    deps.attributions.all(),
  ]);
  // A parent incident only groups others, which count themselves.
  const incidents = items.filter(({ group_reason: group }) => group === undefined);
  const report = doraReport(
    { deploys, incidents, corrections },
    { from, until: now, now },
    (one) => environments.includes(one.environment) && isOf(config, of, one.service) && may(one),
    config.delivery,
  );
  return { ...report, from, until: now, environments, complete: isComplete };
}

function isOf({ services }: Pick<Config, 'services'>, { service, team, tier }: DeliveryScope, name: ServiceName) {
  const entry = services[name];
  return (
    (service === undefined || service === name) &&
    (team === undefined || entry?.team === team) &&
    (tier === undefined || entry?.tier === tier)
  );
}
