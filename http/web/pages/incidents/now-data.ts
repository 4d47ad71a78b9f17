import { currentSlos } from '../../../../actions/slo/views.ts';
import { modesFor } from '../../../../domain/automation/automation.ts';
import { stateAt } from '../../../../domain/freeze/state.ts';
import { withoutChildren } from '../../../../domain/incidents/children.ts';
import type { Deps } from '../../../../domain/ports/deps.ts';
import type { IncidentSummary } from '../../../../domain/ports/incidents.ts';
import { type Contradiction, contradictionOf, pagesNow } from '../../../../domain/status/contradictions.ts';
import type { Automation } from '../../../../schemas/access/access.ts';
import type { Canary } from '../../../../schemas/canary/canary.ts';
import type { Watch } from '../../../../schemas/canary/watch.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { lowestMode, type Mode, Severity } from '../../../../schemas/config/names.ts';
import type { Freeze } from '../../../../schemas/freeze/freeze.ts';
import type { DecisionView, Effect, IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { SloView } from '../../../../schemas/slo/slo-view.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Viewer } from '../../../context.ts';
import { nowPanels } from '../../features.ts';
import type { Html } from '../../parts.ts';
import type { ConsoleDeps } from '../page.ts';

/** Number of incidents that the page shows with their cause and automation: the most severe and newest ones. */
const DETAILED_MAX = 25;

/** Rows of the list of child incidents. */
const CHILDREN_MAX = 10;

/** An incident that is not resolved, with what automation did about it. */
export type OpenIncident = {
  incident: IncidentRecord;
  decisions: readonly DecisionView[];
  effects: readonly Effect[];
  /** The open children that the page lists, and the number of those that it only counts. */
  children: readonly IncidentRecord[];
  moreChildren: number;
};

/** Mode of automation of a service in an environment: the one in force, which people or a demotion may lower, and the configured one. */
export type EnvironmentMode = { service: string; environment: string; mode: Mode; configured: Mode };

/** `contradiction`: the status page shows the components as operational, and no incident is open. Null: it does not. */
type BurningSlo = SloView & { contradiction: Contradiction | null };

/** What the page shows. A part is null if the viewer may not see it. */
export type Now = {
  at: Timestamp;
  incidents: readonly OpenIncident[];
  /** Number of open incidents that the page only counts. */
  moreIncidents: number;
  freezes: readonly Freeze[] | null;
  slos: readonly BurningSlo[] | null;
  deploys: readonly Change[] | null;
  canaries: readonly Canary[] | null;
  /** What features show. */
  panels: readonly (Html | '')[];
  watches: readonly Watch[] | null;
  automation: { settings: Automation; modes: readonly EnvironmentMode[] } | null;
};

/** Reads what the page shows, as far as the viewer may see it. */
export async function loadNow(deps: ConsoleDeps, viewer: Viewer): Promise<Now> {
  const { may } = viewer;
  const at = deps.clock.now();
  const [incidents, freezes, slos, deploys, canaries, panels, watches, automation] = await Promise.all([
    openIncidents(deps, (incident) => may('incidents:read', incident)),
    may('freezes:read', {}) ? deps.freezes.current() : null,
    may('slos:read', {}) ? burningSlos(deps) : null,
    may('deployments:read', {}) ? deps.changes.inProgress() : null,
    may('canaries:read', {}) ? deps.canaries.running() : null,
    nowPanels(deps, viewer, at),
    may('deployments:read', {}) ? deps.watches.unfinished() : null,
    may('automation:read', {}) ? automationNow(deps) : null,
  ]);
  return {
    at,
    ...incidents,
    freezes: freezes && freezes.filter((freeze) => stateAt(freeze, at) === 'in_force' && may('freezes:read', freeze)),
    slos: slos && slos.filter((slo) => may('slos:read', slo)),
    deploys: deploys && deploys.map(({ change }) => change).filter((change) => may('deployments:read', change)),
    canaries: canaries && canaries.filter((canary) => may('canaries:read', canary)),
    panels,
    watches: watches && watches.filter((watch) => watch.outcome === null && may('deployments:read', watch)),
    automation: automation && {
      ...automation,
      modes: automation.modes.filter((environmentMode) => may('automation:read', environmentMode)),
    },
  };
}

/** Returns the open incidents, the most severe and newest first. */
async function openIncidents(
  deps: Pick<Deps, 'incidents'>,
  isVisible: (incident: IncidentSummary) => boolean,
): Promise<Pick<Now, 'incidents' | 'moreIncidents'>> {
  const open = (await deps.incidents.openSummaries()).filter(isVisible);
  const listed = withoutChildren(open).toSorted(
    (a, b) => severityRank(a) - severityRank(b) || (a.opened_at < b.opened_at ? 1 : a.opened_at > b.opened_at ? -1 : 0),
  );
  const children = Map.groupBy(open, ({ parent_id }) => parent_id);
  const detailed = listed.slice(0, DETAILED_MAX);
  const incidents = await Promise.all(
    detailed.map(async ({ id }): Promise<OpenIncident[]> => {
      const ownChildren = children.get(id) ?? [];
      const [incident, view, ...shown] = await Promise.all([
        deps.incidents.read(id),
        deps.incidents.view(id),
        ...ownChildren.slice(0, CHILDREN_MAX).map((child) => deps.incidents.read(child.id)),
      ]);
      if (incident === undefined || incident.status === 'resolved') return []; // meanwhile
      const { decisions = [], effects = [] } = view ?? {};
      const moreChildren = ownChildren.length - shown.length;
      return [{ incident, decisions, effects, children: shown.filter((child) => child !== undefined), moreChildren }];
    }),
  );
  return { incidents: incidents.flat(), moreIncidents: listed.length - detailed.length };
}

const severityRank = ({ severity }: Pick<IncidentRecord, 'severity'>): number => Severity.options.indexOf(severity);

/** Returns the objectives that burn their budget too fast, or have spent it. */
async function burningSlos(
  deps: Pick<Deps, 'clock' | 'config' | 'incidents' | 'publicIncidents' | 'sloStatuses'>,
): Promise<BurningSlo[]> {
  const burning = (await currentSlos(deps))
    .filter(({ burning: alerts, budget_remaining: left }) => alerts.length > 0 || (left !== null && left <= 0))
    .toSorted((a, b) => (a.budget_remaining ?? 1) - (b.budget_remaining ?? 1));
  if (!burning.some((slo) => !slo.stale && pagesNow(slo)))
    return burning.map((slo) => ({ ...slo, contradiction: null }));
  const [config, open, published] = await Promise.all([
    deps.config.current(),
    deps.incidents.open(),
    deps.publicIncidents.open(),
  ]);
  const at = deps.clock.now();
  return burning.map((slo) => {
    const hasIncident = open.some(
      (incident) => incident.service === slo.service && incident.environment === slo.environment,
    );
    const isUnnoticed = !slo.stale && !hasIncident && pagesNow(slo);
    return {
      ...slo,
      contradiction: isUnnoticed ? contradictionOf(slo, 'bad', undefined, { config, published, now: at }) : null,
    };
  });
}

/** Returns the settings of automation, with the modes of all environments that have a deployer. */
async function automationNow(deps: Pick<Deps, 'config' | 'automation'>): Promise<NonNullable<Now['automation']>> {
  const [config, settings] = await Promise.all([deps.config.current(), deps.automation.read()]);
  const modes = Object.entries(config.services).flatMap(([service, { environments }]) =>
    Object.entries(environments).flatMap(([environment, environmentEntry]): EnvironmentMode[] => {
      if (environmentEntry?.deployer === undefined) return [];
      const configured = environmentEntry.autoRollback.mode;
      const demoted: Mode[] = Object.hasOwn(settings.demoted, service) ? ['approve'] : [];
      const caps = modesFor(settings, { service, environment } as Parameters<typeof modesFor>[1]);
      return [{ service, environment, configured, mode: lowestMode(configured, ...demoted, ...caps) }];
    }),
  );
  return { settings, modes };
}
