import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { serviceEntry, unnamedEnvironmentOf } from '../catalogue/catalogue.ts';
import { nearest } from '../../../schemas/parsing/similar-names.ts';
import { byRule, timesOf } from './noisy-alerts.ts';
import { conflictsWithMatch, runsIn, UNKNOWN_ENVIRONMENT } from './signal.ts';

/** A received alert of a service or environment outside the catalogue. */
export type UnmatchedAlert = {
  signal: Pick<
    Signal,
    'service' | 'unmatched' | 'environment' | 'title' | 'labels' | 'fingerprint' | 'sender' | 'source' | 'status'
  >;
  at: Timestamp;
  /** How often it began to fire. Absent: once. */
  times?: number;
  /** The incident that lists it. Null: none. */
  incident: IncidentId | null;
};

/** Alerts of one service and environment outside the catalogue. */
export type UnmatchedAlerts = {
  /** The name that the alerts give their service. Empty: none. */
  service: string;
  environment: string;
  /** Names of the alerts, the most frequent first. */
  names: readonly string[];
  sources: readonly string[];
  times: number;
  firing: number;
  lastAt: Timestamp;
  /** The newest incident that lists one of them. Null: none. */
  incident: IncidentId | null;
  /** Why the catalogue does not contain them, and what to change. */
  fix: string;
};

/** Groups alerts outside the catalogue by service and environment, the most recent first. */
export const unmatchedAlerts = (all: readonly UnmatchedAlert[], services: Config['services']): UnmatchedAlerts[] =>
  [...Map.groupBy(all, ({ signal }) => JSON.stringify([signal.unmatched, signal.environment])).values()]
    .map((group) => summaryOf(group, services))
    .toSorted((a, b) => (a.lastAt < b.lastAt ? 1 : -1));

function summaryOf(group: readonly UnmatchedAlert[], services: Config['services']): UnmatchedAlerts {
  const newestFirst = group.toSorted((a, b) => (a.at < b.at ? 1 : -1));
  const [newest] = newestFirst;
  if (newest === undefined) throw new RangeError('a group of alerts is never empty');
  const service = newest.signal.unmatched ?? '';
  const { environment } = newest.signal;
  return {
    service,
    environment,
    names: byRule(group)
      .toSorted((a, b) => timesOf(b.alerts) - timesOf(a.alerts))
      .map(({ rule }) => rule),
    sources: [...new Set(newestFirst.map(({ signal }) => signal.source))],
    times: timesOf(group),
    firing: group.filter(({ signal }) => signal.status === 'firing').length,
    lastAt: newest.at,
    incident: newestFirst.find(({ incident }) => incident !== null)?.incident ?? null,
    fix: fixFor(newest.signal, services),
  };
}

function fixFor({ unmatched, environment, labels }: UnmatchedAlert['signal'], services: Config['services']): string {
  const service = unmatched ?? '';
  if (service === '')
    return 'The alert has no label service. Add it to the rule, or set match of a service in services.yaml to labels that the alert has.';
  const entry = serviceEntry(services, service);
  if (entry !== undefined && conflictsWithMatch(new Map(labels), entry)) {
    const match = Object.entries(entry.match ?? {}).map(([label, value]) => `${label}=${value}`);
    return `Alerts of ${service} are found by other labels: ${match.join(', ')}. Add them to the rule, or change match in services.yaml.`;
  }
  if (entry !== undefined) {
    const named = environment === UNKNOWN_ENVIRONMENT ? unnamedEnvironmentOf(entry) : environment;
    if (named === undefined)
      return `The alert has no label environment. Add it to the rule, or set defaultEnvironment of ${service} in services.yaml.`;
    return runsIn(entry, named)
      ? `The catalogue has ${service} in ${named} now: new alerts belong to it.`
      : `The service ${service} has no environment ${named}. Add it in services.yaml, or correct the label environment of the rule.`;
  }
  const similar = nearest(service, Object.keys(services));
  return similar === null
    ? `Add the service ${service} to services.yaml.`
    : `If this is ${similar}, correct the label service of the rule. Otherwise, add the service ${service} to services.yaml.`;
}
