import { environmentEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import type { Scope } from '../../../../core/domain/access/access.ts';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import { loaded } from '../../../../core/domain/ports/extensions.ts';
import { modeOf } from '../../../../core/domain/automation/shadow-report.ts';
import type { ComputeReport } from '../../../../features/manifest.ts';
import type { Action } from '../../../../schemas/access/access.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { Mode } from '../../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

/** Rows on one page. */
const ROWS_MAX = 30;

/** `text`: words that a row contains. `from`: the position where the page starts. */
export type ServicesQuery = { text: string; from: string };

/** A service in an environment. */
export type ServiceRow = {
  service: string;
  /** Null: the service has no environment in the catalogue. */
  environment: string | null;
  team: string | null;
  tier: number | null;
  isInCatalogue: boolean;
  /** The mode of automation in force. Null: no deployer, or the viewer may not see it. */
  mode: Mode | null;
  /** The change behind the running version. Null: none is recorded, or the viewer may not see it. */
  live: Change | null;
  /** Unresolved incidents. */
  incidents: readonly Pick<IncidentRecord, 'id' | 'severity'>[];
  /** Lowest remaining budget of its objectives. Null: unknown. */
  budget: number | null;
  /** The same without corrections. Null: unknown, or no correction applies. */
  uncorrectedBudget: number | null;
};

export type Services = {
  at: Timestamp;
  text: string;
  /** The rows of this page, and the number of all that match. */
  rows: readonly ServiceRow[];
  matching: number;
  /** Name from which the next page starts. Null: it is the last one. */
  next: string | null;
  isEmpty: boolean;
};

/** Reads one page. */
export const services: ComputeReport<ServicesQuery, Services> = async (deps, { text, from }, may) => {
  const all = await rowsOf(deps, may);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = all.filter((row) => words.every((word) => searchedIn(row).includes(word)));
  const remaining = matching.filter((row) => positionOf(row) >= from);
  const rows = remaining.slice(0, ROWS_MAX);
  const next = remaining[ROWS_MAX];
  return {
    at: deps.clock.now(),
    text,
    rows,
    matching: matching.length,
    next: next === undefined ? null : positionOf(next),
    isEmpty: all.length === 0,
  };
};

const searchedIn = ({ service, environment, team, live }: ServiceRow): string =>
  [service, environment, team, live?.version].join(' ').toLowerCase();

const positionOf = ({ service, environment }: ServiceRow): string => `${service} ${environment ?? ''}`;

/** Returns the services of the catalogue, and others with recorded changes, sorted by name. */
async function rowsOf(
  deps: Pick<Deps, 'automation' | 'changes' | 'config' | 'extensions' | 'incidents'>,
  may: (action: Action, scope: Scope) => boolean,
): Promise<ServiceRow[]> {
  const [config, automation, live, open, statuses] = await Promise.all([
    deps.config.current(),
    may('automation:read', {}) ? deps.automation.read() : null,
    may('deployments:read', {}) ? deps.changes.live() : [],
    deps.incidents.open(),
    may('slos:read', {}) ? statusesOf(deps) : [],
  ]);
  const key = (service: string, environment: string | null): string => JSON.stringify([service, environment]);
  const liveAt = new Map(live.map((change) => [key(change.service, change.environment), change]));
  const openAt = Map.groupBy(open, ({ service, environment }) => key(service, environment));
  const statusesAt = Map.groupBy(statuses, ({ service, environment }) => key(service, environment));
  const rowOf = (service: string, environment: string | null, entry?: { team?: string; tier?: number }): ServiceRow => {
    const serviceEnvironment = { service, environment: environment ?? '' } as Parameters<typeof modeOf>[0];
    const configured = entry === undefined ? undefined : environmentEntry(config.services, serviceEnvironment);
    const visible = (statusesAt.get(key(service, environment)) ?? []).filter((slo) => may('slos:read', slo));
    const budgets = visible.flatMap(({ budget }) => budget.remaining ?? []);
    const isCorrected = visible.some(({ corrected }) => corrected != null);
    const uncorrected = visible.flatMap(
      ({ corrected, budget }) => (corrected == null ? budget : corrected.uncorrected.budget).remaining ?? [],
    );
    const running = liveAt.get(key(service, environment)) ?? null;
    return {
      service,
      environment,
      team: entry?.team ?? null,
      tier: entry?.tier ?? null,
      isInCatalogue: entry !== undefined,
      mode:
        automation === null || configured?.deployer === undefined || !may('automation:read', serviceEnvironment)
          ? null
          : modeOf(serviceEnvironment, config.services, automation),
      live: running !== null && may('deployments:read', running) ? running : null,
      incidents: openAt.get(key(service, environment)) ?? [],
      budget: budgets.length === 0 ? null : Math.min(...budgets),
      uncorrectedBudget: !isCorrected || uncorrected.length === 0 ? null : Math.min(...uncorrected),
    };
  };
  const listed = Object.entries(config.services).flatMap(([service, { team, tier, environments }]) => {
    const names: (string | null)[] = Object.keys(environments);
    const entry = { ...(team !== undefined && { team }), ...(tier !== undefined && { tier }) };
    return (names.length === 0 ? [null] : names).map((environment) => rowOf(service, environment, entry));
  });
  const listedKeys = new Set(listed.map(({ service, environment }) => key(service, environment)));
  const others = live.filter((change) => !listedKeys.has(key(change.service, change.environment)));
  return [...listed, ...others.map(({ service, environment }) => rowOf(service, environment))]
    .filter(({ service, environment }) =>
      may('incidents:read', { service, ...(environment !== null && { environment }) }),
    )
    .toSorted((a, b) => (positionOf(a) < positionOf(b) ? -1 : 1));
}

/** Returns what features report of the error budgets of configured objectives. */
async function statusesOf({ config, extensions }: Pick<Deps, 'config' | 'extensions'>): Promise<SloStatus[]> {
  const { slos } = await config.current();
  if (slos.length === 0) return [];
  const sources = await loaded(extensions.errorBudgets);
  const statuses = (await Promise.all(sources.map((source) => source.all()))).flat();
  const name = ({ id, service, environment }: Pick<SloStatus, 'id' | 'service' | 'environment'>): string =>
    JSON.stringify([id, service, environment]);
  const configured = new Set(slos.map(name));
  return statuses.filter((status) => configured.has(name(status)));
}
