import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import { routingLabels } from '../../domain/alerts/routing.ts';
import { type Firing, type NoisyAlert, noisyAlerts, wasActedOn } from '../../domain/alerts/noisy-alerts.ts';
import { type UnmatchedAlert, type UnmatchedAlerts, unmatchedAlerts } from '../../domain/alerts/unmatched-alerts.ts';
import type { SignalView } from '../../domain/ports/alerts.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { matchesLabels } from '../../domain/runbooks/select.ts';
import { type IncidentId, UNMATCHED } from '../../schemas/config/names.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { pooled } from '../shared/concurrency.ts';

/** How far the review looks back. */
export const REVIEW_DAYS = 14;

/**
 * What one review reads at most: incidents, in addition those of services outside the catalogue, alerts of each incident,
 * and alerts without an incident.
 */
const INCIDENTS_READ = 200;
const UNMATCHED_READ = 50;
const SIGNALS_READ = 100;
const WITHOUT_INCIDENT_READ = 300;
const AT_ONCE = 16;

export type AlertReview = {
  /** The start of the period that the review covers, and whether it read everything in it. */
  since: Timestamp;
  isComplete: boolean;
  unmatched: UnmatchedAlerts[];
  noisy: NoisyAlert[];
};

type ReviewDeps = Pick<Deps, 'clock' | 'config' | 'incidents'>;

/**
 * Finds alerts that need another configuration: alerts outside the catalogue, and alerts that fire often although nobody
 * acts on them. Of muted alerts, it reads none.
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
  const listed = await alertsOf(deps, visible);
  const recorded = withoutIncident.items.filter(({ signal }) => isVisible(signal));
  const firings = [
    ...listed.flatMap(({ incident, signals }) => {
      const isActedOn = wasActedOn(incident) || isParentActedOn(known, incident);
      return signals.map((signal) => firingOf(signal, signal.startsAt, { incident, isActedOn }, config));
    }),
    ...recorded.flatMap(({ signal, firedAt }) =>
      firedAt.map((at) => firingOf(signal, at, { incident: null, isActedOn: false }, config)),
    ),
  ];
  const unmatchedFirings = [
    ...listed.flatMap(({ incident, signals }) =>
      signals.map((signal): UnmatchedAlert => ({ signal, at: signal.first_seen_at, incident: incident.id })),
    ),
    ...recorded.map(({ signal }): UnmatchedAlert => ({ signal, at: signal.first_seen_at, incident: null })),
  ];
  return {
    since,
    isComplete: all.isComplete && unmatched.isComplete && withoutIncident.next_cursor === null,
    unmatched: unmatchedAlerts(
      unmatchedFirings.filter(({ signal, at }) => signal.unmatched !== null && at >= since),
      config.services,
    ),
    noisy: noisyAlerts(firings.filter(({ at }) => at >= since)),
  };
}

async function alertsOf(
  { incidents }: Pick<Deps, 'incidents'>,
  all: readonly IncidentRecord[],
): Promise<{ incident: IncidentRecord; signals: SignalView[] }[]> {
  const found: { incident: IncidentRecord; signals: SignalView[] }[] = [];
  await pooled(all, AT_ONCE, async (incident) => {
    const { items } = await incidents.signals(incident.id, { limit: SIGNALS_READ });
    found.push({ incident, signals: items });
  });
  return found;
}

/** Responders of a group work in its parent. */
function isParentActedOn(known: ReadonlyMap<IncidentId, IncidentRecord>, { parent_id: id }: IncidentRecord): boolean {
  const parent = id === undefined ? undefined : known.get(id);
  return parent !== undefined && wasActedOn(parent);
}

function firingOf(
  signal: SignalView,
  at: Timestamp,
  context: Pick<Firing, 'incident' | 'isActedOn'>,
  { services, runbooks: { runbooks } }: Config,
): Firing {
  const labels = routingLabels(signal, serviceEntry(services, signal.service));
  const hasRunbook = signal.links.runbook !== null || runbooks.some((runbook) => matchesLabels(runbook, labels));
  return { signal, at, ...context, hasRunbook };
}
