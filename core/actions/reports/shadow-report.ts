import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import {
  judgeShadow,
  type KnownChanges,
  modeOf,
  type ShadowedIncident,
  shadowedIncident,
  shadowRows,
} from '../../domain/automation/shadow-report.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { ShadowReport } from '../../../schemas/automation/shadow-report.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

/** How many incidents a report reads at most, and how many changes of each service and environment. */
export const INCIDENTS_MAX = 500;
const CHANGES_MAX = 1_000;
const PAGE = 100;
const GROUPS_AT_ONCE = 8;

type ReportDeps = Pick<Deps, 'incidents' | 'changes' | 'config' | 'automation' | 'clock'>;

export type ShadowReportRequest = {
  /** How far to look back. */
  seconds: number;
  /** The service and environment. An absent one means all. */
  scope: Partial<ServiceEnvironment>;
  /** Returns whether the reader may see a service and environment. */
  isVisible: (serviceEnvironment: ServiceEnvironment) => boolean;
};

/** Compares what automation would have done in shadow mode with what people did. */
export async function shadowReport(
  deps: ReportDeps,
  { seconds, scope: { service, environment }, isVisible }: ShadowReportRequest,
): Promise<ShadowReport> {
  const now = deps.clock.now();
  const { incidents, since, complete } = await openedSince(deps, plusSeconds(now, -seconds), service);
  const visible = incidents.filter(
    (one) => isVisible(serviceEnvironmentOf(one)) && (environment === undefined || one.environment === environment),
  );
  const [{ services }, automation] = await Promise.all([deps.config.current(), deps.automation.read()]);
  const found = visible.flatMap(
    (one) =>
      shadowedIncident(one, (serviceEnvironment) => modeOf(serviceEnvironment, services, automation) === 'shadow') ??
      [],
  );
  const shown = found.filter((one) => isVisible(serviceEnvironmentOf(one)));
  const changes = await changesOf(deps, shown);
  const cases = shown.map((one) => ({
    serviceEnvironment: serviceEnvironmentOf(one),
    judged: judgeShadow(one, changes.get(keyOf(one)) ?? { changes: [], since: now }, now),
  }));
  const items = shadowRows(cases, { services, automation });
  return { since, until: now, complete, incidents: visible.length, items };
}

const serviceEnvironmentOf = ({ service, environment }: ServiceEnvironment): ServiceEnvironment => ({
  service,
  environment,
});
const keyOf = ({ service, environment }: ServiceEnvironment): string => JSON.stringify([service, environment]);

/** Returns incidents, newest first. `since`: the start of the period for which the list is complete. */
async function openedSince(
  { incidents }: Pick<Deps, 'incidents'>,
  since: Timestamp,
  service: string | undefined,
): Promise<{ incidents: IncidentView[]; since: Timestamp; complete: boolean }> {
  const found: IncidentView[] = [];
  let cursor: string | undefined;
  do {
    const page = await incidents.list({ limit: PAGE, ...(cursor && { cursor }), ...(service && { service }) });
    const inTime = page.items.filter(({ opened_at }) => opened_at >= since);
    found.push(...inTime);
    if (inTime.length < page.items.length || page.next_cursor === null)
      return { incidents: found, since, complete: true };
    cursor = page.next_cursor;
  } while (found.length < INCIDENTS_MAX);
  return { incidents: found, since: found.at(-1)?.opened_at ?? since, complete: false };
}

/** Returns the changes of each service and environment since its oldest incident. */
async function changesOf(
  { changes }: Pick<Deps, 'changes'>,
  all: readonly ShadowedIncident[],
): Promise<Map<string, KnownChanges>> {
  const groups = [...Map.groupBy(all, keyOf)];
  const known = new Map<string, KnownChanges>();
  for (let from = 0; from < groups.length; from += GROUPS_AT_ONCE)
    await Promise.all(
      groups.slice(from, from + GROUPS_AT_ONCE).map(async ([name, group]) => {
        const oldest = group.map(({ incident }) => incident.opened_at).toSorted()[0];
        if (group[0] && oldest) known.set(name, await changesSince(changes, serviceEnvironmentOf(group[0]), oldest));
      }),
    );
  return known;
}

async function changesSince(
  changes: Deps['changes'],
  serviceEnvironment: ServiceEnvironment,
  since: Timestamp,
): Promise<KnownChanges> {
  const found: KnownChanges['changes'][number][] = [];
  let cursor: string | undefined;
  do {
    const page = await changes.list({ ...serviceEnvironment, limit: PAGE, ...(cursor && { cursor }) });
    found.push(...page.items);
    const last = page.items.at(-1);
    if (page.next_cursor === null || last === undefined || last.started_at < since) return { changes: found, since };
    cursor = page.next_cursor;
  } while (found.length < CHANGES_MAX);
  return { changes: found, since: found.at(-1)?.started_at ?? since };
}
