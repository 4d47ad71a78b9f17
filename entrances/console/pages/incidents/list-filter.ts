import { causeOf } from '../../../../core/domain/incidents/cause.ts';
import type { Attention } from '../../../../core/domain/incidents/attention.ts';
import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import { problemsOf } from '../../../../core/domain/incidents/problems.ts';
import { Severity } from '../../../../schemas/config/names.ts';
import type { IncidentRecord, Suspect } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

export function keysOf<T extends object>(values: T): (keyof T & string)[] {
  return Object.keys(values) as (keyof T & string)[];
}

export const STATES = { open: 'Open', resolved: 'Resolved', all: 'All' } as const;

/** Times since which incidents have opened, in days. */
export const TIMES = { '1': 'last 24 hours', '7': 'last 7 days', '30': 'last 30 days', '90': 'last 90 days' } as const;

/** What is known of the cause. */
export const CAUSES = {
  change: { label: 'a change', covers: (incident) => causesOf(incident).length > 0 },
  unknown: {
    label: 'no known change',
    covers: (incident) => causesOf(incident).length === 0 && incident.group_reason === undefined,
  },
  dependency: { label: 'a shared dependency', covers: isGroup('shared_dependency') },
  many: { label: 'many at once', covers: isGroup('many') },
} as const satisfies Record<string, { label: string; covers(incident: IncidentRecord): boolean }>;

/** Returns the change that is the cause of the open problem, and of an incident that is over those of each of its problems. */
export function causesOf(incident: IncidentRecord): Suspect[] {
  const problems = incident.status === 'resolved' ? problemsOf(incident) : [incident];
  return problems.flatMap((problem) => {
    const cause = causeOf(incident, problem);
    return cause.kind === 'change' ? [cause.suspect] : [];
  });
}

/** What open incidents need. */
export const ATTENTION: Readonly<Record<Attention, { text: string }>> = {
  approval: { text: 'Waits for approval' },
  failed: { text: 'The mitigation did not help' },
  contradiction: { text: 'The status page contradicts the SLI' },
  unacknowledged: { text: 'Nobody has acknowledged it' },
  unattended: { text: 'Automation does not act, and nobody works on it' },
  closing: { text: 'The problem is over, and a person resolves it' },
  'in-progress': { text: 'In progress' },
  handled: { text: 'Handled' },
};

export const AUTOMATION = { acted: 'automation acted', none: 'automation did not act' } as const;

/** What a person selects in the list of incidents. Null: everything. */
export type ListFilter = {
  state: keyof typeof STATES;
  /** Words, each part of the number, a title, service, environment, or a version of a suspect, in any case. */
  text: string;
  team: string | null;
  severity: Severity | null;
  days: keyof typeof TIMES | null;
  cause: keyof typeof CAUSES | null;
  automation: keyof typeof AUTOMATION | null;
  /** Only open incidents have one. */
  attention: Attention | null;
  /** Number or ID of a group: its members. */
  group: string | null;
};

const TEXT_MAX_CHARS = 200;

/** Values of the filter that are not free. */
export const KNOWN_VALUES = {
  state: keysOf(STATES),
  severity: Severity.options,
  days: keysOf(TIMES),
  cause: keysOf(CAUSES),
  automation: keysOf(AUTOMATION),
  attention: keysOf(ATTENTION),
} as const;

/** Reads the filter of an address. Unknown values select everything, and the page names them. */
export function listFilterOf(query: URLSearchParams): ListFilter {
  const one = <K extends keyof typeof KNOWN_VALUES>(name: K): (typeof KNOWN_VALUES)[K][number] | null =>
    KNOWN_VALUES[name].find((value) => value === query.get(name)) ?? null;
  return {
    state: one('state') ?? 'open',
    text: (query.get('text') ?? '').trim().slice(0, TEXT_MAX_CHARS),
    team: (query.get('team') ?? '').trim().slice(0, TEXT_MAX_CHARS) || null,
    severity: one('severity'),
    days: one('days'),
    cause: one('cause'),
    automation: one('automation'),
    attention: one('attention'),
    group: (query.get('group') ?? '').trim().slice(0, TEXT_MAX_CHARS) || null,
  };
}

/** Returns the filter as the query of an address, without what selects everything. */
export const queryOf = ({ state, text, ...others }: ListFilter): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...(state !== 'open' && { state }), ...(text !== '' && { text }), ...others }).flatMap(
      ([name, value]) => (value === null ? [] : [[name, value]]),
    ),
  );

/** Returns whether everything that the filter selects by is in summaries of incidents. */
export const isOfSummaries = ({ text, cause, automation }: ListFilter): boolean =>
  text === '' && cause === null && automation === null;

/** What a filter selects by that `isOfSummaries`, without what incidents need, and their groups. @param since of the filter's `days` */
export const isInScope = (
  { team, severity }: ListFilter,
  incident: Pick<IncidentRecord, 'service' | 'severity' | 'opened_at'>,
  { teamOf, since }: { teamOf: (service: string) => string | undefined; since: Timestamp | null },
): boolean =>
  (severity === null || incident.severity === severity) &&
  (team === null || teamOf(incident.service) === team) &&
  (since === null || incident.opened_at >= since);

/** Returns whether the rest of the filter, of which summaries of incidents do not tell, selects an incident. */
export function hasDetails({ text, cause, automation }: ListFilter, incident: IncidentRecord): boolean {
  if (cause !== null && !CAUSES[cause].covers(incident)) return false;
  if (automation !== null && hasActed(incident) !== (automation === 'acted')) return false;
  if (text === '') return true;
  const { service, unmatched, environment } = incident;
  const problems = [incident, ...(incident.earlier_problems ?? [])];
  const searched = [
    incidentName(incident),
    service,
    unmatched,
    environment,
    ...problems.flatMap(({ title, suspects }) => [title, ...suspects.map((one) => one.version)]),
  ]
    .join(' ')
    .toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => searched.includes(word));
}

/**
 * Returns whether automation has changed something for an incident, by itself or after an approval: a rollback, or a step
 * of a runbook. What a person requested directly or did by hand does not count.
 */
export const hasActed = ({
  verifying,
  group_rollback,
  last_requests,
  earlier_problems: earlier = [],
}: Pick<IncidentRecord, 'verifying' | 'group_rollback' | 'last_requests' | 'earlier_problems'>): boolean =>
  group_rollback?.key !== undefined ||
  (last_requests?.rollback === undefined &&
    [verifying, ...earlier.map(({ mitigation }) => mitigation)].some(
      (one) => one !== undefined && one.change === undefined,
    ));

function isGroup(because: NonNullable<IncidentRecord['group_reason']>['because']) {
  return ({ group_reason }: IncidentRecord): boolean => group_reason?.because === because;
}
