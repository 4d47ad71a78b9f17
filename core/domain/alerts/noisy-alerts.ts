import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/** How often an alert must have fired in the period to be called noisy. */
export const NOISY_TIMES = 5;

/** An alert that began to fire once. */
export type Firing = {
  signal: Pick<Signal, 'service' | 'unmatched' | 'environment' | 'title' | 'labels'>;
  at: Timestamp;
  /** The incident that lists it. Null: none. */
  incident: IncidentRecord | null;
  /** Something was done in that incident, or in its parent. */
  isActedOn: boolean;
  /** It links to a runbook, or a runbook matches it. */
  hasRunbook: boolean;
};

/** An alert that fired often, on which nobody acted, and for which no runbook says what to do. */
export type NoisyAlert = {
  service: string;
  environment: string;
  /** The name of its rule, or its title if it has none. */
  name: string;
  times: number;
  lastAt: Timestamp;
  /** Number of incidents that list it, and number of these that were acknowledged. */
  incidents: number;
  acknowledged: number;
  /** Pages of these incidents. */
  pages: number;
  /** The newest of these incidents. Null: it was in none. */
  newest: IncidentId | null;
};

/** Returns the name of an alert's rule, or its title. */
export const alertNameOf = ({ labels, title }: Pick<Signal, 'labels' | 'title'>): string =>
  labels.find(([label]) => label === 'alertname')?.[1] || title;

/**
 * Returns whether automation or a person did something in an incident: acted on production, asked for that, informed
 * others, or closed it. An acknowledgment alone does not count, because it also ends a page that needs no action.
 */
export const wasActedOn = ({
  verifying,
  last_requests: requests,
  published_by: publisher,
  handling,
  resolved_by: closer,
  by_hand: wasDeclared,
}: IncidentRecord): boolean =>
  [verifying, requests, publisher, handling?.stakeholder_update, closer, wasDeclared].some(
    (value) => value !== undefined && value !== null,
  );

/** Returns the noisy alerts, those that fired most often first. Alerts of one rule, service, and environment count as one. */
export function noisyAlerts(firings: readonly Firing[]): NoisyAlert[] {
  const keyOf = ({ signal }: Firing) =>
    JSON.stringify([signal.unmatched || signal.service, signal.environment, alertNameOf(signal)]);
  return [...Map.groupBy(firings, keyOf).values()]
    .filter(
      (sameAlert) =>
        sameAlert.length >= NOISY_TIMES && sameAlert.every(({ isActedOn, hasRunbook }) => !isActedOn && !hasRunbook),
    )
    .map(summary)
    .toSorted((a, b) => b.times - a.times || (a.lastAt < b.lastAt ? 1 : -1));
}

function summary(firings: readonly Firing[]): NoisyAlert {
  const newestFirst = firings.toSorted((a, b) => (a.at < b.at ? 1 : -1));
  const [newest] = newestFirst;
  if (newest === undefined) throw new RangeError('an alert has fired at least once');
  const { signal, at } = newest;
  const incidents = [
    ...new Map(newestFirst.flatMap(({ incident }) => (incident ? [[incident.id, incident]] : []))).values(),
  ];
  return {
    service: signal.unmatched || signal.service,
    environment: signal.environment,
    name: alertNameOf(signal),
    times: firings.length,
    lastAt: at,
    incidents: incidents.length,
    acknowledged: incidents.filter(({ handling }) => handling?.acknowledged !== undefined).length,
    pages: incidents.reduce((sum, { pages }) => sum + pages, 0),
    newest: incidents[0]?.id ?? null,
  };
}
