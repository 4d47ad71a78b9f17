import type { DecisionView, Effect, IncidentRecord, IncidentStatus, TimelineEntry } from '../schemas/incident.ts';
import type { IncidentId, Severity } from '../schemas/names.ts';
import type { Signal } from '../schemas/signal.ts';
import type { Timestamp } from '../schemas/time.ts';

/** An entry of the timeline with its place in it, by which it is known. */
export type Told = { place: string; entry: TimelineEntry };

export type Child = {
  id: IncidentId;
  service: string;
  environment: string;
  title: string;
  severity: Severity;
  status: IncidentStatus;
};

/** All of an incident that is shown anywhere, read at one moment. */
export type Story = {
  incident: IncidentRecord;
  decisions: readonly DecisionView[];
  effects: readonly Effect[];
  /** Some of the alerts: firing ones first. */
  signals: readonly Signal[];
  /** The timeline from a place on, oldest first, at most a few hundred entries. */
  timeline: readonly Told[];
  /** Incidents that this one is the parent of, the first ones. */
  children: readonly Child[];
  /** How many there are. */
  childCount: number;
  parent: { id: IncidentId; channel: string | null } | null;
};

/** A link with its name. */
export type Link = { title: string; url: string };

const ANNOTATED_LINKS: readonly [title: string, names: readonly string[]][] = [
  ['Logs', ['logs_url', 'logs', 'log_url']],
  ['Traces', ['traces_url', 'traces', 'trace_url']],
];

/** Half a link, as a long text of an alert is cut, leads nowhere. */
const WHOLE_URL = /^https?:\/\/.*[^…]$/is;

/** Where a person would look next: the first of its kind that an alert names. http and https only. */
export function linksOf(signals: readonly Signal[]): Link[] {
  const first = (of: (signal: Signal) => string | null | undefined): string | undefined =>
    signals.map(of).find((url): url is string => typeof url === 'string' && WHOLE_URL.test(url));
  const links: [string, string | undefined][] = [
    ['Runbook', first(({ links: { runbook } }) => runbook)],
    ['Dashboard', first(({ links: { dashboard } }) => dashboard)],
    ...ANNOTATED_LINKS.map(([title, names]): [string, string | undefined] => [
      title,
      first(({ annotations }) => annotations.find(([name]) => names.includes(name))?.[1]),
    ]),
    ['Alert', first(({ links: { source } }) => source)],
  ];
  return links.flatMap(([title, url]) => (url === undefined ? [] : [{ title, url }]));
}

/** What people call it: unmatched alerts keep the name that they gave their service. */
export const placeOf = ({
  service,
  environment,
  unmatched,
}: Pick<IncidentRecord, 'service' | 'environment' | 'unmatched'>): string =>
  `${unmatched === null || unmatched === '' ? service : unmatched} ${environment}`;

/** For texts that are no messages, where a reader's time zone cannot be known. */
export const minuteOf = (at: Timestamp): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
