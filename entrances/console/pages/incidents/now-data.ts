import { modesFor } from '../../../../core/domain/automation/automation.ts';
import { attending, type Attention } from '../../../../core/domain/incidents/attention.ts';
import { isSingle } from '../../../../core/domain/incidents/figures.ts';
import type { Scope } from '../../../../core/domain/access/access.ts';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import type { Reports } from '../../../../core/domain/ports/reports.ts';
import type { ComputeOf } from '../../../../features/manifest.ts';
import type { IncidentSummary } from '../../../../core/domain/ports/incidents.ts';
import type { Action, Automation } from '../../../../schemas/access/access.ts';
import type { Watch } from '../../../../schemas/judge/watch.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { lowestMode, type Mode, Severity } from '../../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { sha256 } from '../../../../core/stores/hash.ts';
import { nowParts } from '../../features.ts';
import { type ConsoleDeps, type NowPart, type PageRequest, viewerAsReader } from '../page.ts';
import { type IncidentDetail, NOW, type NowIncidents, type NowRow, RESOLVED_TODAY } from '../reports.ts';
import { type FirstRunItem, loadFirstRun } from './first-run.ts';
import { hasActed } from './list-filter.ts';

/** Rows with the same need that the page shows. If there are more, it shows only the first `COLLAPSED`. */
export const ROWS_MAX = 5;
export const COLLAPSED = 3;

/** Automatic acts, and resolved incidents, that the page shows. */
const ACTS_SHOWN = 3;
const RESOLVED_SHOWN = 3;

/** Resolved incidents of the last day that the page counts. */
const RESOLVED_MAX = 1000;

const DAY_SECONDS = 24 * 3600;

/** Mode of automation of a service in an environment: the one in force, which people or a demotion may lower, and the configured one. */
export type EnvironmentMode = { service: string; environment: string; mode: Mode; configured: Mode };

/** What the page shows. A part is null if the viewer may not see it. */
export type Now = NowIncidents & {
  at: Timestamp;
  deploys: readonly Change[] | null;
  /** What features show. */
  parts: { above: readonly NowPart[]; below: readonly NowPart[] };
  watches: readonly Watch[] | null;
  automation: { settings: Automation; modes: readonly EnvironmentMode[] } | null;
  /** Null: all done, or hidden. */
  firstRun: { items: readonly FirstRunItem[]; csrfToken: string | null } | null;
};

/** Reads what the page shows, as far as the viewer may see it. */
export async function loadNow(deps: ConsoleDeps, request: PageRequest): Promise<Now> {
  const { viewer } = request;
  const { may } = viewer;
  const at = deps.clock.now();
  const [{ value: incidents }, deploys, parts, watches, automation, firstRun] = await Promise.all([
    deps.reports.read(NOW, null, viewerAsReader(viewer)),
    may('deployments:read', {}) ? deps.changes.inProgress() : null,
    nowParts(deps, viewer, at),
    may('deployments:read', {}) ? deps.watches.unfinished() : null,
    may('automation:read', {}) ? automationNow(deps) : null,
    loadFirstRun(deps, request),
  ]);
  return {
    at,
    ...incidents,
    deploys: deploys && deploys.map(({ change }) => change).filter((change) => may('deployments:read', change)),
    parts,
    watches: watches && watches.filter((watch) => watch.outcome === null && may('deployments:read', watch)),
    automation: automation && {
      ...automation,
      modes: automation.modes.filter((environmentMode) => may('automation:read', environmentMode)),
    },
    firstRun: firstRun && { items: firstRun, csrfToken: viewer.session === null ? null : viewer.csrfToken },
  };
}

/** Reads what the page shows of incidents. */
export const incidentsNow: ComputeOf<typeof NOW> = async (deps, _, may) => {
  const at = deps.clock.now();
  const open = (await deps.incidents.openSummaries()).filter((incident) => may('incidents:read', incident));
  const [rows, day] = await Promise.all([rowsOf(deps, open, at), dayOf(deps, may, open, at)]);
  return { rows, day };
};

/** Needs whose rows are shown without details. */
const PLAIN: readonly Attention[] = ['in-progress', 'handled'];

/** Returns the rows that are shown of those with the same need. */
export const shownOf = <T>(rows: readonly T[]): readonly T[] =>
  rows.length > ROWS_MAX ? rows.slice(0, COLLAPSED) : rows;

/** Returns the rows, of which those that are shown and need a person have their details. */
async function rowsOf(
  deps: Pick<Deps, 'incidents'>,
  open: readonly IncidentSummary[],
  at: Timestamp,
): Promise<NowRow[]> {
  const all = attending(open, at).toSorted(
    ({ incident: a }, { incident: b }) =>
      Severity.options.indexOf(a.severity) - Severity.options.indexOf(b.severity) ||
      (a.opened_at < b.opened_at ? 1 : a.opened_at > b.opened_at ? -1 : 0),
  );
  const detailed = new Map(
    await Promise.all(
      [...Map.groupBy(all, ({ attention }) => attention)]
        .filter(([attention]) => !PLAIN.includes(attention))
        .flatMap(([, rows]) => shownOf(rows))
        .map(async ({ incident: { id }, members }) => {
          const asking = members.findLast(({ questions }) => questions > 0)?.id;
          return [id, await detailOf(deps, id, asking)] as const;
        }),
    ),
  );
  return all.map((row) => ({ ...row, detail: detailed.get(row.incident.id) ?? null }));
}

/** @param asking member of the group that asks, whose decisions count. Absent: the incident itself */
async function detailOf(
  { incidents }: Pick<Deps, 'incidents'>,
  id: IncidentRecord['id'],
  asking: IncidentRecord['id'] = id,
): Promise<IncidentDetail | null> {
  const [incident, view] = await Promise.all([incidents.read(asking), incidents.view(asking)]);
  return incident === undefined ? null : { incident, decisions: view?.decisions ?? [], effects: view?.effects ?? [] };
}

/** Sums up the last 24 hours. Of incidents that opened earlier, only those that are still open count. */
async function dayOf(
  deps: Pick<Deps, 'incidents'> & { reports: Reports },
  may: (action: Action, scope: Scope) => boolean,
  open: readonly IncidentSummary[],
  at: Timestamp,
): Promise<Now['day']> {
  const since = plusSeconds(at, -DAY_SECONDS);
  // An incident is resolved or reopened only together with the list of open ones.
  const ofOpen = sha256(open.map(({ id }) => id).join());
  const { value: all } = await deps.reports.read(RESOLVED_TODAY, { open: ofOpen }, null);
  const resolved = all.filter((incident) => incident.opened_at >= since && may('incidents:read', incident));
  const opened = [...resolved, ...open.filter(({ opened_at }) => opened_at >= since)];
  const actAt = ({ verifying, opened_at }: Pick<IncidentRecord, 'verifying' | 'opened_at'>): Timestamp =>
    verifying?.at ?? opened_at;
  const acted = [...resolved, ...open].filter((incident) => hasActed(incident) && actAt(incident) >= since);
  const newest = acted.toSorted((a, b) => (actAt(a) < actAt(b) ? 1 : -1)).slice(0, ACTS_SHOWN);
  const acts = await Promise.all(newest.map(({ id }) => detailOf(deps, id)));
  const single = resolved.filter(isSingle);
  return {
    opened: opened.filter(isSingle).length,
    pages: opened.reduce((sum, { paged = 0 }) => sum + paged, 0),
    acted: acted.length,
    resolved: single.length,
    newestResolved: single
      .toSorted((a, b) => ((a.resolved_at ?? '') < (b.resolved_at ?? '') ? 1 : -1))
      .slice(0, RESOLVED_SHOWN),
    acts: acts.filter((act) => act !== null),
  };
}

/** Reads the incidents that were resolved in the last 24 hours. */
export const resolvedToday: ComputeOf<typeof RESOLVED_TODAY> = async ({ incidents, clock }) => {
  const since = plusSeconds(clock.now(), -DAY_SECONDS);
  return (await incidents.search({ state: 'resolved', since, limit: RESOLVED_MAX, matches: () => true })).items;
};

/** Returns the settings of automation, with the modes of all environments that have a deployer. */
async function automationNow(deps: Pick<Deps, 'config' | 'automation'>): Promise<NonNullable<Now['automation']>> {
  const [config, settings] = await Promise.all([deps.config.current(), deps.automation.read()]);
  const modes = Object.entries(config.services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, environmentEntry]): EnvironmentMode[] => {
      if (environmentEntry?.deployer === undefined) return [];
      const configured = environmentEntry.autoRollback.mode;
      const demoted: Mode[] = Object.hasOwn(settings.demoted, service) ? ['approve'] : [];
      const caps = modesFor(settings, { service, environment } as Parameters<typeof modesFor>[1], config.services);
      return [{ service, environment, configured, mode: lowestMode(configured, ...demoted, ...caps) }];
    }),
  );
  return { settings, modes };
}
