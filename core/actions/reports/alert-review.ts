import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { routingLabels } from '../../domain/alerts/routing.ts';
import { type NoisyAlert, noisyAlerts, wasActedOn } from '../../domain/alerts/noisy-alerts.ts';
import { type RuleFigures, ruleFigures, type RuleFiring } from '../../domain/alerts/rule-figures.ts';
import { type UnmatchedAlert, type UnmatchedAlerts, unmatchedAlerts } from '../../domain/alerts/unmatched-alerts.ts';
import type { SignalView } from '../../domain/ports/alerts.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { matchesLabels } from '../../domain/runbooks/select.ts';
import { UNMATCHED } from '../../../schemas/config/names.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { pooled } from '../../domain/concurrency.ts';

/** How far the review looks back. */
export const REVIEW_DAYS = 14;

/**
 * What one review reads at most: incidents, in addition those of services outside the catalogue, about how many alerts of each
 * incident and of all, and alerts without an incident. Of each incident, it reads at least a page.
 */
const INCIDENTS_READ = 200;
const UNMATCHED_READ = 50;
const OF_INCIDENT_READ = 1000;
const OF_INCIDENTS_READ = 25_000;
const WITHOUT_INCIDENT_READ = 300;
const SIGNALS_PAGE = 100;
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

type ReviewDeps = Pick<Deps, 'clock' | 'config' | 'incidents'>;

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
  const since = plusSeconds(deps.clock.now(), -REVIEW_DAYS * 24 * 3600);
  const { incidents } = deps;
  const [config, all, unmatched, withoutIncident] = await Promise.all([
    deps.config.current(),
    incidents.recent({ since, limit: INCIDENTS_READ }),
    incidents.recent({ since, limit: UNMATCHED_READ, service: UNMATCHED }),
    incidents.alertsWithoutIncident({ limit: WITHOUT_INCIDENT_READ, muted: false }),
  ]);
  const known = new Map([...all.items, ...unmatched.items].map((incident) => [incident.id, incident]));
  const visible = [...known.values()].filter((one) => one.group_reason === undefined && isVisible(one));
  const { listed, isComplete } = await alertsOf(deps, visible);
  const recorded = withoutIncident.items.filter(({ signal }) => isVisible(signal));
  const firings = [
    ...listed.flatMap(({ incident, signals }) => {
      const parent = incident.parent_id === undefined ? undefined : known.get(incident.parent_id);
      // Responders of a group work in its parent.
      const concerned = [incident, ...(parent === undefined ? [] : [parent])];
      const context = {
        incident,
        isActedOn: concerned.some(wasActedOn),
        isPaged: concerned.some(({ pages }) => pages > 0),
      };
      return signals.map((signal) => {
        const hasEnded = signal.status === 'resolved' || incident.resolved_at !== null;
        return firingOf(signal, signal.startsAt, { ...context, hasEnded }, config);
      });
    }),
    ...recorded.flatMap(({ signal, firedAt }) =>
      firedAt.map((at, index) => {
        // Newest first: an alert fires again only after its end.
        const hasEnded = index > 0 || signal.status === 'resolved';
        return firingOf(signal, at, { incident: null, isActedOn: false, isPaged: false, hasEnded }, config);
      }),
    ),
  ].filter(({ at }) => at >= since);
  const unmatchedFirings = [
    ...listed.flatMap(({ incident, signals }) =>
      signals.map((signal): UnmatchedAlert => ({ signal, at: signal.first_seen_at, incident: incident.id })),
    ),
    ...recorded.map(({ signal }): UnmatchedAlert => ({ signal, at: signal.first_seen_at, incident: null })),
  ];
  return {
    since,
    isComplete: isComplete && all.isComplete && unmatched.isComplete && withoutIncident.next_cursor === null,
    unmatched: unmatchedAlerts(
      unmatchedFirings.filter(({ signal, at }) => signal.unmatched !== null && at >= since),
      config.services,
    ),
    noisy: noisyAlerts(firings),
    rules: ruleFigures(firings),
  };
}

type ListedAlerts = { incident: IncidentRecord; signals: SignalView[] };

/** Reads the alerts of incidents, except those that joined while they were muted. `isComplete`: false if there are too many. */
async function alertsOf(
  { incidents }: Pick<Deps, 'incidents'>,
  all: readonly IncidentRecord[],
): Promise<{ listed: ListedAlerts[]; isComplete: boolean }> {
  const listed: ListedAlerts[] = [];
  let isComplete = true;
  let read = 0;
  await pooled(all, AT_ONCE, async (incident) => {
    const signals: SignalView[] = [];
    let cursor: string | null = null;
    do {
      const page = await incidents.signals(incident.id, { limit: SIGNALS_PAGE, ...(cursor !== null && { cursor }) });
      signals.push(...page.items);
      read += page.items.length;
      cursor = page.next_cursor;
    } while (cursor !== null && signals.length <= OF_INCIDENT_READ && read <= OF_INCIDENTS_READ);
    isComplete &&= cursor === null;
    listed.push({ incident, signals: signals.filter(({ mute }) => mute === undefined) });
  });
  return { listed, isComplete };
}

function firingOf(
  signal: SignalView,
  at: Timestamp,
  context: Omit<RuleFiring, 'signal' | 'at' | 'hasRunbook'>,
  { services, runbooks: { runbooks } }: Config,
): RuleFiring {
  const labels = routingLabels(signal, serviceEntry(services, signal.service));
  const hasRunbook = signal.links.runbook !== null || runbooks.some((runbook) => matchesLabels(runbook, labels));
  return { signal, at, ...context, hasRunbook };
}
