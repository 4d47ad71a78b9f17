import { isSingle } from '../../domain/incidents/figures.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { routingLabels } from '../../domain/alerts/routing.ts';
import { type NoisyAlert, noisyAlerts, timesOf, wasActedOn } from '../../domain/alerts/noisy-alerts.ts';
import { type RuleFigures, ruleFigures, type RuleFiring } from '../../domain/alerts/rule-figures.ts';
import { type UnmatchedAlert, type UnmatchedAlerts, unmatchedAlerts } from '../../domain/alerts/unmatched-alerts.ts';
import type { DayStarts, SignalView } from '../../domain/ports/alerts.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { matchesLabels } from '../../domain/runbooks/select.ts';
import { type IncidentId, UNMATCHED } from '../../../schemas/config/names.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { pooled } from '../../domain/concurrency.ts';
import { fallbackPageKey, pageKey, wasSent } from '../../domain/paging/pages.ts';

/** How far the review looks back, in addition to the current day: starts of an alert are counted by day (UTC). */
export const REVIEW_DAYS = 14;

/**
 * What one review reads at most: incidents, in addition those of services outside the catalogue, about how many alerts of each
 * incident and of all, and alerts without an incident. Of each incident, it reads at least a page.
 */
const INCIDENTS_READ = 200;
const UNMATCHED_READ = 50;
const OF_INCIDENT_READ = 1000;
const OF_INCIDENTS_READ = 25_000;
const WITHOUT_INCIDENT_READ = 25_000;
const SIGNALS_PAGE = 100;
const RECORDED_PAGE = 500;
const AT_ONCE = 16;

export type AlertReview = {
  /** The start of the period that the review covers, and whether it read everything in it. */
  since: Timestamp;
  isComplete: boolean;
  unmatched: UnmatchedAlerts[];
  noisy: NoisyAlert[];
  /** All rules, those that fired most often without an action first. */
  rules: RuleFigures[];
};

type ReviewDeps = Pick<Deps, 'clock' | 'config' | 'effects' | 'incidents'>;

/**
 * Finds alerts that need another configuration: alerts outside the catalogue, and alerts that fire often although nobody
 * acts on them. Counts what became of the alerts of each rule. Muted alerts don't count.
 *
 * @param isVisible returns whether the reader may see alerts of a service and environment
 */
export async function alertReview(
  deps: ReviewDeps,
  isVisible: (serviceEnvironment: ServiceEnvironment) => boolean,
): Promise<AlertReview> {
  const since = startOfDay(plusSeconds(deps.clock.now(), -REVIEW_DAYS * 24 * 3600));
  const { incidents } = deps;
  const [config, all, unmatched, recorded, muted] = await Promise.all([
    deps.config.current(),
    incidents.recent({ since, limit: INCIDENTS_READ }),
    incidents.recent({ since, limit: UNMATCHED_READ, service: UNMATCHED }),
    recordedAlerts(deps, { since, muted: false }, isVisible),
    recordedAlerts(deps, { since, muted: true }, isVisible),
  ]);
  const known = new Map([...all.items, ...unmatched.items].map((incident) => [incident.id, incident]));
  const visible = [...known.values()].filter((one) => isSingle(one) && isVisible(one));
  const membersOf = Map.groupBy(known.values(), ({ parent_id: parent }) => parent);
  const [{ listed, isComplete }, sent] = await Promise.all([alertsOf(deps, visible), sentPages(deps, known.values())]);
  const firings = [
    ...listed.flatMap(({ incident, signals }) => {
      const parent = incident.parent_id === undefined ? undefined : known.get(incident.parent_id);
      // Responders of a group work in its parent, and what ends its incidents is done in the one that is the cause.
      const concerned = parent === undefined ? [incident] : [incident, parent, ...(membersOf.get(parent.id) ?? [])];
      const isActedOn = concerned.some(wasActedOn);
      const pages = new Map(concerned.slice(0, 2).map(({ id }) => [id, sent.get(id) ?? 0]));
      return signals.map((signal): RuleFiring => {
        const hasEnded = signal.status === 'resolved' || incident.resolved_at !== null;
        const alert = { ...alertOf(signal, config), at: signal.startsAt, incident, isActedOn, hasEnded };
        return signal.pages === false ? alert : { ...alert, pages };
      });
    }),
    ...[...recorded.items, ...muted.items].flatMap(({ signal, isFiring, starts }) => {
      const alert = { ...alertOf(signal, config), incident: null, isActedOn: false };
      // Newest first: an alert fires again only after its end.
      const open = isFiring ? starts.slice(0, 1).map(({ at }) => ({ at, times: 1, hasEnded: false })) : [];
      const ended = starts.map(({ at, times }, index) => ({ at, times: index < open.length ? times - 1 : times }));
      return [...open, ...ended.map((one) => ({ ...one, hasEnded: true }))].map((one) => ({ ...alert, ...one }));
    }),
  ].filter(({ at, times }) => at >= since && times !== 0);
  const unmatchedFirings = [
    ...listed.flatMap(({ incident, signals }) =>
      signals.map((signal): UnmatchedAlert => ({ signal, at: signal.first_seen_at, incident: incident.id })),
    ),
    ...recorded.items.map(({ signal, starts }): UnmatchedAlert => {
      const times = Math.max(1, timesOf(starts.filter(({ at }) => at >= since)));
      return { signal, at: signal.first_seen_at, times, incident: null };
    }),
  ];
  return {
    since,
    isComplete: isComplete && all.isComplete && unmatched.isComplete && recorded.isComplete && muted.isComplete,
    unmatched: unmatchedAlerts(
      unmatchedFirings.filter(({ signal, at }) => signal.unmatched !== null && at >= since),
      config.services,
    ),
    noisy: noisyAlerts(firings),
    rules: ruleFigures(firings),
  };
}

const startOfDay = (at: Timestamp): Timestamp => `${at.slice(0, 'YYYY-MM-DD'.length)}T00:00:00.000Z` as Timestamp;

/** An alert without an incident. `isFiring`: its last counted start has not ended. */
type RecordedAlert = { signal: Reviewed; isFiring: boolean; starts: readonly DayStarts[] };

/** Reads the alerts without an incident. `isComplete`: false if there are too many. */
async function recordedAlerts(
  { incidents }: Pick<Deps, 'incidents'>,
  query: { since: Timestamp; muted: boolean },
  isVisible: (serviceEnvironment: ServiceEnvironment) => boolean,
): Promise<{ items: RecordedAlert[]; isComplete: boolean }> {
  const items: RecordedAlert[] = [];
  let read = 0;
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof incidents.alertsWithoutIncident>> = await incidents.alertsWithoutIncident({
      ...query,
      limit: RECORDED_PAGE,
      ...(cursor !== null && { cursor }),
    });
    read += page.items.length;
    for (const { signal, starts } of page.items)
      if (isVisible(signal))
        items.push({ signal: reviewed(signal), isFiring: !query.muted && signal.status === 'firing', starts });
    cursor = page.next_cursor;
  } while (cursor !== null && read < WITHOUT_INCIDENT_READ);
  return { items, isComplete: cursor === null };
}

/** What a review needs of an alert, of which it reads many. */
type Reviewed = Omit<SignalView, 'annotations'>;

function reviewed(signal: SignalView): Reviewed {
  const { annotations: _, ...rest } = signal;
  return rest;
}

/** Pages of one incident that the review reads at most, the newest ones. */
const PAGES_READ = 50;

/** Returns how many pages of each incident were sent, by Firebreak or by a system that it follows. Those with none are left out. */
async function sentPages(
  { effects }: Pick<Deps, 'effects'>,
  all: Iterable<IncidentRecord>,
): Promise<Map<IncidentId, number>> {
  const sent = new Map<IncidentId, number>();
  await pooled(
    [...all].filter(({ pages }) => pages > 0),
    AT_ONCE,
    async ({ id, pages, paged = 0 }) => {
      if (paged >= pages) return void sent.set(id, pages);
      const numbers = Array.from({ length: pages }, (_, index) => index + 1).slice(-PAGES_READ);
      const keys = numbers.map((number) => [pageKey(id, number), fallbackPageKey(id, number)]);
      const found = await Promise.all(keys.map((some) => Promise.all(some.map((key) => effects.get(id, key)))));
      const count = found.filter((page) => page.some((effect) => effect !== undefined && wasSent(effect))).length;
      if (count > 0) sent.set(id, count);
    },
  );
  return sent;
}

type ListedAlerts = { incident: IncidentRecord; signals: Reviewed[] };

/** Reads the alerts of incidents, except those that joined while they were muted. `isComplete`: false if there are too many. */
async function alertsOf(
  { incidents }: Pick<Deps, 'incidents'>,
  all: readonly IncidentRecord[],
): Promise<{ listed: ListedAlerts[]; isComplete: boolean }> {
  const listed: ListedAlerts[] = [];
  let isComplete = true;
  let read = 0;
  await pooled(all, AT_ONCE, async (incident) => {
    const signals: Reviewed[] = [];
    let cursor: string | null = null;
    do {
      const page = await incidents.signals(incident.id, { limit: SIGNALS_PAGE, ...(cursor !== null && { cursor }) });
      signals.push(...page.items.map(reviewed));
      read += page.items.length;
      cursor = page.next_cursor;
    } while (cursor !== null && signals.length <= OF_INCIDENT_READ && read <= OF_INCIDENTS_READ);
    isComplete &&= cursor === null;
    listed.push({ incident, signals: signals.filter(({ mute }) => mute === undefined) });
  });
  return { listed, isComplete };
}

function alertOf(
  signal: Reviewed,
  { services, runbooks: { runbooks } }: Config,
): Pick<RuleFiring, 'signal' | 'hasRunbook'> {
  const labels = routingLabels(signal, serviceEntry(services, signal.service));
  const hasRunbook = signal.links.runbook !== null || runbooks.some((runbook) => matchesLabels(runbook, labels));
  return { signal, hasRunbook };
}
