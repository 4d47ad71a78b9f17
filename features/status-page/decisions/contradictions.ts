import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord, PageContradiction, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { SloStatus } from '../../../schemas/slo/slo-status.ts';
import type { ComponentStatus } from '../schemas/states.ts';
import type { PublicIncident } from '../schemas/public-incident.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import {
  type Contradiction,
  contradictionText,
  isCurrent,
  isLong,
  pagesNow,
  totalSeconds,
} from '../../../core/domain/incidents/page-contradiction.ts';
import { worst } from './public-texts.ts';

/** An older evaluation does not show the current state. */
const EVALUATED_WITHIN_SECONDS = 3 * 60;

/** State of a service by its SLIs: the last five minutes of its objectives. `unknown`: the SLIs show neither. */
export type SliState = 'good' | 'bad' | 'unknown';

/**
 * Returns the state of a service and environment by its objectives. It is bad if one of them burns its budget so fast
 * that it pages, and still does so. It is good if all of them were met in the last five minutes.
 */
export function sliState(statuses: readonly SloStatus[], evaluatedAt: Timestamp | null, now: Timestamp): SliState {
  if (evaluatedAt === null || secondsBetween(evaluatedAt, now) > EVALUATED_WITHIN_SECONDS) return 'unknown';
  if (statuses.some((status) => pagesNow(status))) return 'bad';
  return statuses.length > 0 && statuses.every((status) => isMet(status)) ? 'good' : 'unknown';
}

const isMet = ({ state, burn_rates }: SloStatus): boolean => state === 'ok' && (burn_rates['5m'] ?? 1) < 1;

type PublishedState = {
  config: Pick<Config, 'services' | 'statusPage'>;
  /** Unresolved ones, of all services. */
  published: readonly PublicIncident[];
  now: Timestamp;
};

/**
 * Compares what the status page shows of a service with its SLIs.
 *
 * @param own the public record of its open incident. Undefined: none
 */
export function contradictionOf(
  { service, environment }: Pick<IncidentRecord, 'service' | 'environment'>,
  sli: SliState,
  own: PublicIncident | undefined,
  { config, published, now }: PublishedState,
): Contradiction | null {
  const names = serviceEntry(config.services, service)?.statusPage?.components ?? [];
  if (names.length === 0 || !config.statusPage.environments.includes(environment)) return null;
  if (sli === 'bad') {
    const maintained = config.statusPage.maintenance
      .filter(({ from, until }) => from <= now && now < until)
      .flatMap(({ components }) => components);
    const operational = names.filter(
      (name) => !maintained.includes(name) && shownState(name, published) === 'operational',
    );
    return operational.length === 0 ? null : { kind: 'shown_operational', components: operational };
  }
  // "Monitoring" says that a fix is in place, which good SLIs confirm.
  if (sli !== 'good' || own === undefined || own.updates.at(-1)?.status === 'monitoring') return null;
  const state = own.states.at(-1)?.state ?? 'operational';
  return state === 'operational' ? null : { kind: 'shown_impaired', components: [...own.components] };
}

const shownState = (component: string, published: readonly PublicIncident[]): ComponentStatus =>
  worst(
    published
      .filter(({ components }) => components.includes(component))
      .map(({ states }) => states.at(-1)?.state ?? 'operational'),
  );

const ADVICE: Readonly<Record<PageContradiction['kind'], string>> = {
  shown_operational:
    'Publish an update with "Publish update…" in the channel or on the incident’s page, or correct the SLO',
  shown_impaired: 'Resolve the incident if it is over, or correct the SLO',
};

/** What a check adds to an incident. Entries have a key: each is written once. */
export type CheckPlan = { record: PageContradiction | undefined; entries: [key: string, entry: TimelineEntry][] };

/**
 * Decides what an incident records after a check. An entry says that a contradiction lasts longer than five minutes, and
 * another one how long it lasted.
 *
 * @param found null: page and SLIs agree. `unknown`: the SLIs are not known
 */
export function planCheck(
  before: PageContradiction | undefined,
  found: Contradiction | null | 'unknown',
  now: Timestamp,
): CheckPlan {
  if (found === null || found === 'unknown') {
    const isOver = before !== undefined && !before.over && (found === null || !isCurrent(before, now));
    return isOver
      ? { record: { ...before, over: true }, entries: endEntries(before, found, now) }
      : { record: undefined, entries: [] };
  }
  if (before !== undefined && before.kind === found.kind && isCurrent(before, now)) {
    const record = { ...before, ...found, seen: now };
    return { record, entries: isLong(record) && !isLong(before) ? [startEntry(record, now)] : [] };
  }
  const earlier_seconds = before === undefined ? 0 : totalSeconds(before);
  return {
    record: { ...found, since: now, seen: now, over: false, earlier_seconds },
    entries: before === undefined || before.over ? [] : endEntries(before, null, now),
  };
}

const startEntry = (contradiction: PageContradiction, at: Timestamp): [string, TimelineEntry] => [
  `page-contradicts-${contradiction.since}`,
  timelineEntry(
    'statuspage.contradicts',
    `${contradictionText(contradiction)}, for ${minutesIn(contradiction)} min. ${ADVICE[contradiction.kind]}.`,
    at,
  ),
];

const endEntries = (
  contradiction: PageContradiction,
  why: null | 'unknown',
  at: Timestamp,
): [string, TimelineEntry][] =>
  isLong(contradiction)
    ? [
        [
          `page-agrees-${contradiction.since}`,
          timelineEntry('statuspage.agrees', `${END_TEXTS[why ?? 'agree']} after ${minutesIn(contradiction)} min`, at),
        ],
      ]
    : [];

const END_TEXTS = {
  agree: 'The status page and the SLI agree again,',
  unknown: 'The SLI is no longer known; the status page contradicted it until then,',
} as const;

const minutesIn = ({ since, seen }: PageContradiction): number => Math.floor(secondsBetween(since, seen) / 60);

const timelineEntry = (kind: string, text: string, at: Timestamp): TimelineEntry => ({
  at,
  actor: 'firebreak',
  kind,
  text,
  detail: null,
});
