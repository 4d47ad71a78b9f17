import type { Timestamp } from '../../schemas/time/time.ts';
import { secondsBetween } from '../../schemas/time/time.ts';
import type { DecisionOutcome, Outcome, PageOutcome } from './outcome.ts';

/** What differs for one incident. `unknown`: what the record cannot answer about the difference. */
export type IncidentDifference = {
  key: string;
  id: string | null;
  service: string;
  environment: string;
  title: string;
  at: Timestamp;
  changes: readonly string[];
  unknown: readonly string[];
};

/** Pages to one recipient in one hour, before and after. */
export type PageDifference = { to: string; hour: string; before: number; after: number };

export type Comparison = {
  incidents: number;
  differences: readonly IncidentDifference[];
  pages: readonly PageDifference[];
  totals: Record<'opened' | 'acted' | 'asked' | 'pages' | 'freezes', { before: number; after: number }>;
};

const NOTHING: Omit<Outcome, 'id' | 'key' | 'service' | 'environment' | 'title'> = {
  opened_at: null,
  pages: [],
  decisions: [],
  runbooks: [],
  channels: [],
  freeze: null,
  known_until: null,
  unknown: [],
};

/** Compares what two policies do with the same record, incident by incident. */
export function compare(before: readonly Outcome[], after: readonly Outcome[]): Comparison {
  const then = new Map(before.map((one) => [one.key, one]));
  const now = new Map(after.map((one) => [one.key, one]));
  const pairs = [...new Set([...then.keys(), ...now.keys()])].flatMap((key): [Outcome, Outcome][] => {
    const [a, b] = [then.get(key), now.get(key)];
    const some = a ?? b;
    if (some === undefined) return [];
    const { id, service, environment, title } = some;
    const nothing = { id, key, service, environment, title, ...NOTHING };
    return [untilDivergence(a ?? nothing, b ?? nothing)];
  });
  const differences = pairs.flatMap(([a, b]) => differenceOf(a, b) ?? []);
  const count = (of: (one: Outcome) => number) => ({
    before: pairs.reduce((sum, [a]) => sum + of(a), 0),
    after: pairs.reduce((sum, [, b]) => sum + of(b), 0),
  });
  const decided = (kind: DecisionOutcome['kind']) => (one: Outcome) =>
    one.decisions.filter((decision) => decision.kind === kind).length;
  return {
    incidents: pairs.length,
    differences: differences.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.key < b.key ? -1 : 1)),
    pages: pagesOf(pairs),
    totals: {
      opened: count(({ opened_at: at }) => Number(at !== null)),
      acted: count(decided('roll_back')),
      asked: count(decided('approve')),
      pages: count(({ pages }) => pages.length),
      freezes: count(({ freeze }) => Number(freeze !== null)),
    },
  };
}

/** Leaves out what happened after the first decision that one of the policies takes differently from the record. */
function untilDivergence(a: Outcome, b: Outcome): [Outcome, Outcome] {
  const until = [a.known_until, b.known_until].filter((at) => at !== null).toSorted()[0];
  if (until === undefined) return [a, b];
  const upTo = (one: Outcome): Outcome => ({
    ...one,
    pages: one.pages.filter(({ at }) => at <= until),
    decisions: one.decisions.filter(({ at }) => at <= until),
    runbooks: one.runbooks.filter(({ at }) => at <= until),
  });
  return [upTo(a), upTo(b)];
}

function differenceOf(a: Outcome, b: Outcome): IncidentDifference | null {
  const changes = [
    ...openingChange(a, b),
    ...(a.service === b.service && a.environment === b.environment
      ? []
      : [`belongs to ${b.service} in ${b.environment} instead of ${a.service} in ${a.environment}`]),
    ...decisionChanges(a, b),
    ...runbookChanges(a, b),
    ...pageChanges(a, b),
    ...channelChanges(a, b),
    ...freezeChanges(a, b),
  ];
  const unknown = b.unknown.filter((text) => !a.unknown.includes(text));
  if (changes.length === 0 && unknown.length === 0) return null;
  const hasOtherDecision = decisionChanges(a, b).length > 0;
  return {
    key: a.key,
    id: a.id,
    service: a.service,
    environment: a.environment,
    title: a.title,
    at: (a.opened_at ?? b.opened_at ?? '') as Timestamp,
    changes,
    unknown: [
      ...unknown,
      ...(hasOtherDecision && b.known_until !== null && b.id !== null
        ? [`cannot be known: what follows after ${timeText(b.known_until)}, because it follows from another decision`]
        : []),
    ],
  };
}

function openingChange(a: Outcome, b: Outcome): string[] {
  if (a.opened_at === b.opened_at) return [];
  if (b.opened_at === null) return ['opens no incident'];
  if (a.opened_at === null) return [`opens an incident at ${timeText(b.opened_at)}`];
  const seconds = secondsBetween(a.opened_at, b.opened_at);
  return [`opens ${durationText(Math.abs(seconds))} ${seconds > 0 ? 'later' : 'earlier'}, at ${timeText(b.opened_at)}`];
}

const ACTION_TEXTS: Record<DecisionOutcome['kind'], string> = {
  roll_back: 'acts',
  approve: 'asks',
  suggest: 'suggests',
  shadow: 'does nothing (shadow)',
  none: 'does nothing',
};

const decisionText = (one: DecisionOutcome | undefined): string =>
  one === undefined
    ? 'no decision'
    : `${ACTION_TEXTS[one.kind]}${one.kind !== 'none' && one.from !== null && one.to !== null ? ` (${one.from} → ${one.to})` : ''}`;

function decisionChanges(a: Outcome, b: Outcome): string[] {
  if (a.opened_at === null || b.opened_at === null) return [];
  const numbers = [...new Set([...a.decisions, ...b.decisions].map(({ number }) => number))].toSorted((x, y) => x - y);
  return numbers.flatMap((number) => {
    const [then, now] = [a, b].map(({ decisions }) => decisions.find((one) => one.number === number));
    const [was, is] = [decisionText(then), decisionText(now)];
    if (was === is) return [];
    const why = now === undefined || now.because === '' ? '' : `: ${now.because}`;
    return [
      `decision ${number} at ${timeText(now?.at ?? then?.at ?? ('' as Timestamp))} ${is} instead of: ${was}${why}`,
    ];
  });
}

function runbookChanges(a: Outcome, b: Outcome): string[] {
  const names = (one: Outcome) => new Set(one.runbooks.map(({ name }) => name));
  const [then, now] = [names(a), names(b)];
  return [
    ...[...now].filter((name) => !then.has(name)).map((name) => `runs the runbook ${name}`),
    ...[...then].filter((name) => !now.has(name)).map((name) => `no longer runs the runbook ${name}`),
  ];
}

function pageChanges(a: Outcome, b: Outcome): string[] {
  const name = ({ at, to }: PageOutcome): string => `${at} ${to}`;
  const [then, now] = [new Set(a.pages.map(name)), new Set(b.pages.map(name))];
  return [
    ...b.pages.filter((page) => !then.has(name(page))).map(({ at, to }) => `pages ${to} at ${timeText(at)}`),
    ...a.pages.filter((page) => !now.has(name(page))).map(({ at, to }) => `no longer pages ${to} at ${timeText(at)}`),
  ];
}

function channelChanges(a: Outcome, b: Outcome): string[] {
  if (a.opened_at === null || b.opened_at === null) return [];
  const [then, now] = [new Set(a.channels), new Set(b.channels)];
  return [
    ...[...now].filter((one) => !then.has(one)).map((one) => `announces it in ${one}`),
    ...[...then].filter((one) => !now.has(one)).map((one) => `no longer announces it in ${one}`),
  ];
}

function freezeChanges({ freeze: then }: Outcome, { freeze: now, ...b }: Outcome): string[] {
  if (then?.from === now?.from) return [];
  const of = `deploys of ${b.service} in ${b.environment}`;
  if (now === null) return [`no longer freezes ${of}`];
  const length =
    now.until === null ? 'its end cannot be known' : `for ${durationText(secondsBetween(now.from, now.until))}`;
  return [`freezes ${of} from ${timeText(now.from)}, ${length}`];
}

function pagesOf(pairs: readonly (readonly [Outcome, Outcome])[]): PageDifference[] {
  const counts = new Map<string, PageDifference>();
  const count = (pages: readonly PageOutcome[], which: 'before' | 'after'): void => {
    for (const { at, to } of pages) {
      const hour = `${at.slice(0, 13)}:00Z`;
      const found = counts.get(`${to} ${hour}`) ?? { to, hour, before: 0, after: 0 };
      counts.set(`${to} ${hour}`, { ...found, [which]: found[which] + 1 });
    }
  };
  for (const [a, b] of pairs) {
    count(a.pages, 'before');
    count(b.pages, 'after');
  }
  return [...counts.values()]
    .filter((one) => one.before !== one.after)
    .toSorted((x, y) => (x.hour < y.hour ? -1 : x.hour > y.hour ? 1 : x.to < y.to ? -1 : 1));
}

/** Formats a time as `2026-11-20 14:03 UTC`. */
export const timeText = (at: Timestamp): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;

/** Formats a duration as `3 min` or `45 s`. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
