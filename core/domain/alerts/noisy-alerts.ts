import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { ruleTitle } from './lasting-title.ts';

/** How often an alert must have fired in the period to be called noisy. */
export const NOISY_TIMES = 5;

type Fired = {
  signal: Pick<Signal, 'service' | 'unmatched' | 'environment' | 'title' | 'labels' | 'fingerprint' | 'sender'>;
  at: Timestamp;
  /** How often it began to fire until then, since the next earlier one. Absent: once. */
  times?: number;
};

/** Returns how often alerts began to fire. */
export const timesOf = (all: readonly Pick<Fired, 'times'>[]): number =>
  all.reduce((sum, { times = 1 }) => sum + times, 0);

/** An alert that began to fire once. */
export type Firing = Fired & {
  /** The incident that lists it. Null: none. */
  incident: IncidentRecord | null;
  /** Number of pages that were sent, by the incident that sent them: that one, or its parent. Absent: none. */
  pages?: ReadonlyMap<IncidentId, number>;
  /** Something was done in that incident, or in its parent. */
  isActedOn: boolean;
  /** It links to a runbook, or a runbook matches it. */
  hasRunbook: boolean;
};

/** An alert that fired often, on which nobody acted, and for which no runbook says what to do. */
export type NoisyAlert = {
  service: string;
  environment: string;
  /** The name of its rule, or its title if it has none, without measured values, counts, and moments. */
  name: string;
  times: number;
  lastAt: Timestamp;
  /** Number of incidents that list it, and number of these that were acknowledged. */
  incidents: number;
  acknowledged: number;
  /** Pages that were sent (`pagesOf`). */
  pages: number;
  /** The newest of these incidents. Null: it was in none. */
  newest: IncidentId | null;
};

/** The alerts of one rule in a service and environment, the newest first. `rule`: its name, or the title of its alerts without what differs. */
type RuleAlerts<T> = { service: string; environment: string; rule: string; lastAt: Timestamp; alerts: T[] };

/**
 * Groups alerts by service, environment, and rule. What repeats in alerts without the name of a rule is the sender's key, or the
 * title without measured values, counts, and moments: a key has the title of its newest alert, and keys with the same title are one rule.
 */
export function byRule<T extends Fired>(all: readonly T[]): RuleAlerts<T>[] {
  const newestFirst = all.toSorted((a, b) => (a.at < b.at ? 1 : -1));
  const titles = new Map<string, string>();
  const keyOf = ({ signal }: T): string => {
    const { labels, sender, fingerprint, title } = signal;
    const place = [signal.unmatched || signal.service, signal.environment];
    const alert = JSON.stringify([...place, sender, fingerprint]);
    if (!titles.has(alert)) titles.set(alert, ruleTitle(title));
    return JSON.stringify([...place, labels.find(([label]) => label === 'alertname')?.[1] || titles.get(alert)]);
  };
  return [...Map.groupBy(newestFirst, keyOf)].map(([key, alerts]) => {
    const [service, environment, rule] = JSON.parse(key) as [string, string, string];
    const lastAt = alerts.map(({ at }) => at).reduce((latest, at) => (at > latest ? at : latest));
    return { service, environment, rule, lastAt, alerts };
  });
}

/**
 * Returns whether automation or a person did something in an incident: acted on production, asked for or decided that, wrote a note,
 * informed others, or closed it. An acknowledgment alone does not count, because it also ends a page that needs no action.
 */
export const wasActedOn = ({
  verifying,
  last_requests: requests,
  published_by: publisher,
  handling,
  noted,
  resolved_by: closer,
  by_hand: wasDeclared,
}: IncidentRecord): boolean =>
  [verifying, requests, publisher, handling?.acted, noted, handling?.stakeholder_update, closer, wasDeclared].some(
    (value) => value !== undefined && value !== null,
  );

/** Returns how many pages the incidents of alerts sent, each once. Alerts whose route does not page have caused none. */
export const pagesOf = (alerts: readonly Pick<Firing, 'pages'>[]): number =>
  [...new Map(alerts.flatMap(({ pages }) => [...(pages ?? [])])).values()].reduce((sum, pages) => sum + pages, 0);

/** Returns the noisy alerts, those that fired most often first. Alerts of one rule, service, and environment count as one. */
export const noisyAlerts = (firings: readonly Firing[]): NoisyAlert[] =>
  byRule(firings)
    .filter(
      ({ alerts }) =>
        timesOf(alerts) >= NOISY_TIMES && alerts.every(({ isActedOn, hasRunbook }) => !isActedOn && !hasRunbook),
    )
    .map(summary)
    .toSorted((a, b) => b.times - a.times || (a.lastAt < b.lastAt ? 1 : -1));

function summary({ service, environment, rule, lastAt, alerts }: RuleAlerts<Firing>): NoisyAlert {
  const incidents = [
    ...new Map(alerts.flatMap(({ incident }) => (incident ? [[incident.id, incident]] : []))).values(),
  ];
  return {
    service,
    environment,
    name: rule,
    times: timesOf(alerts),
    lastAt,
    incidents: incidents.length,
    acknowledged: incidents.filter(({ handling }) => handling?.acknowledged !== undefined).length,
    pages: pagesOf(alerts),
    newest: incidents[0]?.id ?? null,
  };
}
