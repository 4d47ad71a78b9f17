import { withFoldedPages } from '../../../../core/domain/messages/folded-entries.ts';
import { planRollback, type RollbackPlan } from '../../../../core/actions/rollback/plan-rollback.ts';
import { viewRun } from '../../../../core/actions/runbooks/start-run.ts';
import { namer } from '../../../../core/actions/people/names.ts';
import { Refusal } from '../../../../core/domain/refusal.ts';
import { keepsOpen } from '../../../../core/domain/incidents/keeps-open.ts';
import { incidentLinks } from '../../../../core/domain/links/incident-links.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { healthOfIncident } from '../../../../core/domain/catalogue/health.ts';
import { environmentEntry, serviceEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import { answerable } from '../../../../core/domain/messages/incident-buttons.ts';
import { waitsForPublication } from '../../../../core/domain/ports/extensions.ts';
import type { Link, Overview } from '../../../../core/domain/messages/story.ts';
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import { IncidentId } from '../../../../schemas/config/names.ts';
import type { EvidencePack } from '../../../../schemas/incidents/evidence-pack.ts';
import type { DecisionBasis } from '../../../../schemas/incidents/decision-basis.ts';
import type { TimelineEntry } from '../../../../schemas/incidents/incident.ts';
import { runId, type RunView } from '../../../../schemas/runbooks/parts/runs.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Viewer } from '../../../http/context.ts';
import type { PageRequest, ConsoleDeps } from '../page.ts';
import { basesOf } from '../../../../core/actions/incidents/decision-basis.ts';
import { firstOnsetOf, type HealthRead, readHealth } from '../../../../core/actions/incidents/health-read.ts';
import { type LiveHealthRead, readLiveHealth } from '../../../../core/actions/incidents/live-health.ts';
import { type UnderWay, underWay } from '../../../../core/domain/incidents/under-way.ts';
import { incidentPanels } from '../../features.ts';
import type { Html } from '../../parts.ts';
import { type Choices, loadChoices } from './choices.ts';
import { filterOf, isShown, type TimelineFilter } from './filter.ts';

/** Everything that the page of an incident shows. */
export type IncidentData = Pick<Viewer, 'may' | 'csrfToken'> & {
  at: Timestamp;
  /** What keeps the incident open. Empty: it is resolved. */
  openBecause: readonly string[];
  story: Overview;
  /** Null: no judgement has read a health query. */
  health: HealthRead | null;
  /** Why there can be no health. Null: a query is configured, or the incident is a group. */
  noHealthBecause: 'no_query' | 'no_service' | null;
  /** The same query, read now. Null: none is configured, or nothing was read. */
  liveHealth: LiveHealthRead | null;
  /** What is being done. */
  underWay: readonly UnderWay[];
  /** What the waiting decisions are based on, by their IDs. */
  bases: ReadonlyMap<string, DecisionBasis>;
  timeline: Timeline;
  /** To logs, traces, and dashboards. */
  links: readonly Link[];
  /** Stored evidence of its actions. */
  evidence: readonly EvidencePack[];
  /** What a rollback would do now. Null: the viewer may not roll back, or the incident is resolved or a group. */
  plan: RollbackPlan | null;
  /** What features show. */
  panels: readonly (Html | '')[];
  /** Its newest runbook runs, oldest first. */
  runs: readonly RunView[];
  /** The status page shows the service, and waits for approval. */
  waitsForPublication: boolean;
  /** Automation has acted, or would have, so that it can be marked as wrong. */
  hasActed: boolean;
  /** What its forms offer. */
  choices: Choices;
};

export type Timeline = {
  filter: TimelineFilter;
  /** Newest first, with the display name of each actor. */
  entries: readonly (TimelineEntry & { actorName: string })[];
  /** Where older entries begin. Null: there are none. */
  older: string | null;
};

const ENTRIES_PER_PAGE = 30;
const RUNS_SHOWN = 10;

/** Entries that one request looks through for matches of a filter. */
const SEARCHED_MAX = 1000;
const PER_READ = 250;

function noHealthBecause(config: Config, incident: IncidentRecord): IncidentData['noHealthBecause'] {
  if (incident.group_reason !== undefined || healthOfIncident(config, incident) !== undefined) return null;
  return serviceEntry(config.services, incident.service) === undefined ? 'no_service' : 'no_query';
}

/** @throws Refusal 403, 404 */
export async function loadIncident(deps: ConsoleDeps, { viewer, param, query }: PageRequest): Promise<IncidentData> {
  const { data: id } = IncidentId.safeParse(param['id']);
  const story = id && (await deps.incidents.overview(id));
  if (id === undefined || story === undefined) throw new Refusal(404, 'unknown-incident', 'there is no such incident');
  const { incident } = story;
  const { caller, may, csrfToken } = viewer;
  caller.allow('incidents:read', incident);
  const mayRollBack =
    incident.status !== 'resolved' && incident.group_reason === undefined && may('incidents:act', incident);
  const at = deps.clock.now();
  const healthRead = readHealth(deps, story);
  const onsetRead = healthRead.then((health) => firstOnsetOf(health, 'earliest'));
  const [timeline, health, onset, liveHealth, bases, looks, plan, config, names, runs, evidence, panels, choices] =
    await Promise.all([
      timelineOf(deps, id, filterOf(query)),
      healthRead,
      onsetRead,
      onsetRead.then((began) => readLiveHealth(deps, story, began)),
      basesOf(deps, id, answerable(story)),
      deps.looks.list(id),
      mayRollBack ? planRollback(deps, caller, incident) : null,
      deps.config.current(),
      namer(deps),
      runsOf(deps, id),
      deps.evidencePacks.list(id),
      incidentPanels(deps, viewer, incident, at),
      loadChoices(deps, viewer, incident),
    ]);
  const entries = await Promise.all(
    withFoldedPages(timeline.entries).map(async (entry) => ({
      ...entry,
      text: await names.text(entry.text),
      actorName: await names.actor(entry.actor),
    })),
  );
  return {
    may,
    csrfToken,
    at,
    openBecause: keepsOpen(story, config, deps.timeScale),
    noHealthBecause: noHealthBecause(config, incident),
    story,
    health,
    liveHealth,
    underWay: underWay(story, {
      looks,
      runs,
      settleSeconds: environmentEntry(config.services, incident)?.autoRollback?.settleSeconds ?? 0,
      now: at,
      timeScale: deps.timeScale,
    }),
    bases,
    timeline: { ...timeline, entries },
    links: incidentLinks(story, config, at, onset),
    evidence,
    plan,
    panels,
    choices,
    runs,
    waitsForPublication: await waitsForPublication(deps, incident),
    hasActed:
      story.effects.some(
        ({ kind, state }) => kind === 'roll-back' && (state === 'succeeded' || state === 'accepted'),
      ) || story.decisions.some(({ kind, marked_wrong }) => kind === 'shadow' && marked_wrong === undefined),
  };
}

async function runsOf(deps: Pick<Deps, 'incidents' | 'runbooks'>, id: IncidentId): Promise<RunView[]> {
  const begun = await deps.runbooks.of(id);
  return Promise.all(begun.slice(-RUNS_SHOWN).map(({ number }) => viewRun(deps, runId(id, number))));
}

/** Reads until a page is full of entries that the filter shows. */
async function timelineOf(
  { incidents }: Pick<Deps, 'incidents'>,
  id: IncidentId,
  filter: TimelineFilter,
): Promise<{ filter: TimelineFilter; entries: TimelineEntry[]; older: string | null }> {
  const entries: TimelineEntry[] = [];
  let cursor = filter.from;
  const isAll = filter.kind === 'all' && filter.text === '';
  for (let searched = 0; searched < SEARCHED_MAX && entries.length < ENTRIES_PER_PAGE; searched += PER_READ) {
    const limit = isAll ? ENTRIES_PER_PAGE : PER_READ;
    const page = await incidents.timeline(id, { limit, ...(cursor !== null && { cursor }) });
    entries.push(...page.items.filter((entry) => isShown(filter, entry)));
    cursor = page.next_cursor;
    if (cursor === null) break;
  }
  return { filter, entries, older: cursor };
}
