import type {
  ClosedAs,
  DecisionView,
  Effect,
  IncidentRecord,
  IncidentStatus,
  TimelineEntry,
} from '../../../schemas/incidents/incident.ts';
import type { IncidentId, Severity } from '../../../schemas/config/names.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Mute } from '../alerts/routing.ts';
import type { Named } from '../incidents/incident-number.ts';
import type { GroupNow } from '../incidents/incident-group.ts';
import { type Place, placeNames } from './place-names.ts';

/** A timeline entry with its position, which identifies it. */
export type StoryEntry = { position: string; entry: TimelineEntry };

export type Child = {
  id: IncidentId;
  number?: number | undefined;
  service: string;
  environment: string;
  title: string;
  severity: Severity;
  status: IncidentStatus;
  verification?: IncidentRecord['verification'];
  closed_as?: ClosedAs | undefined;
  /** It asks for approval. Absent: it does not. */
  asks?: true;
};

/** All displayed data of an incident, read at one time. */
export type Overview = {
  incident: IncidentRecord;
  decisions: readonly DecisionView[];
  effects: readonly Effect[];
  /** Some of the alerts, firing ones first. `mute`: what muted it when it arrived; absent: nothing. */
  signals: readonly (Signal & { mute?: Mute })[];
  /** The first child incidents. */
  children: readonly Child[];
  /** Total number of children. */
  childCount: number;
  /** `group_reason`: absent: unknown. */
  parent: (Named & { channel: string | null } & Pick<IncidentRecord, 'group_reason'>) | null;
  /**
   * The incident whose decision is shown, which can be this one: in the group of a dependency, it decides for all; in another
   * group, it asks, and others may ask after it. Absent: the incident itself.
   */
  deciding?: Deciding;
  /** What is wrong now in the group of a dependency, which is this incident or its parent. Absent: there is none. */
  group?: GroupNow;
};

/** An incident with what its decision is described from. */
export type Deciding = Pick<Overview, 'incident' | 'decisions' | 'effects'>;

export type Story = Overview & {
  /** The timeline from a position on, oldest first, at most a few hundred entries. */
  timeline: readonly StoryEntry[];
};

/** A link with its title. */
export type Link = { title: string; url: string };

const ANNOTATED_LINKS: readonly [title: string, names: readonly string[]][] = [
  ['Logs', ['logs_url', 'logs', 'log_url']],
  ['Traces', ['traces_url', 'traces', 'trace_url']],
];

/** Complete URL: a URL truncated in a long text is invalid. */
const WHOLE_URL = /^https?:\/\/.*[^…]$/is;

/** Returns links for further investigation: the first of each kind that an alert names. http and https only. */
export function linksOf(signals: readonly Signal[]): Link[] {
  const first = (urlOf: (signal: Signal) => string | null | undefined): string | undefined =>
    signals.map(urlOf).find((url): url is string => typeof url === 'string' && WHOLE_URL.test(url));
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

/** Returns the displayed service and environment: unmatched alerts keep the service name that they gave. */
export const serviceEnvironmentText = (place: Place): string => placeNames(place).join(' ');
