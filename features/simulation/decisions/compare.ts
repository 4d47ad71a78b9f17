import type { Timestamp } from '../../../schemas/time/time.ts';
import { minuteText, secondsBetween } from '../../../schemas/time/time.ts';
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

const NO_OUTCOME: Omit<Outcome, 'id' | 'key' | 'service' | 'environment' | 'title'> = {
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
  const then = new Map(before.map((outcome) => [outcome.key, outcome]));
  const now = new Map(after.map((outcome) => [outcome.key, outcome]));
  const all = [...new Set([...then.keys(), ...now.keys()])].flatMap((key): [Outcome, Outcome][] => {
    const [a, b] = [then.get(key), now.get(key)];
    const either = a ?? b;
    if (either === undefined) return [];
    const { id, service, environment, title } = either;
    const nothing = { id, key, service, environment, title, ...NO_OUTCOME };
    return [[a ?? nothing, b ?? nothing]];
  });
  const pairs = all.map(([a, b]) => untilDivergence(a, b));
  const differences = pairs.flatMap(([a, b]) => differenceOf(a, b) ?? []);
  const count = (countIn: (outcome: Outcome) => number) => ({
    before: pairs.reduce((sum, [a]) => sum + countIn(a), 0),
    after: pairs.reduce((sum, [, b]) => sum + countIn(b), 0),
  });
  // Each policy's own decisions count, also one that comes after the other policy has acted: it is not lost, but earlier.
  const countDecided = (isCounted: (decision: DecisionOutcome) => boolean) => {
    const countIn = ({ decisions }: Outcome): number => decisions.filter(isCounted).length;
    return {
      before: all.reduce((sum, [a]) => sum + countIn(a), 0),
      after: all.reduce((sum, [, b]) => sum + countIn(b), 0),
    };
  };
  return {
    incidents: pairs.length,
    differences: differences.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.key < b.key ? -1 : 1)),
    pages: pagesOf(pairs),
    totals: {
      opened: count(({ opened_at: at }) => Number(at !== null)),
      acted: countDecided(({ kind, requester }) => kind === 'roll_back' && requester !== 'person'),
      asked: countDecided(({ kind }) => kind === 'approve'),
      pages: count(({ pages }) => pages.length),
      freezes: count(({ freeze }) => Number(freeze !== null)),
    },
  };
}

/** Leaves out what happened after the first decision that one of the policies takes differently from the record. */
function untilDivergence(before: Outcome, after: Outcome): [Outcome, Outcome] {
  const until = [before.known_until, after.known_until].filter((at) => at !== null).toSorted()[0];
  if (until === undefined) return [before, after];
  const upTo = (outcome: Outcome): Outcome => ({
    ...outcome,
    pages: outcome.pages.filter(({ at }) => at <= until),
    decisions: outcome.decisions.filter(({ at }) => at <= until),
    runbooks: outcome.runbooks.filter(({ at }) => at <= until),
  });
  return [upTo(before), upTo(after)];
}

function differenceOf(before: Outcome, after: Outcome): IncidentDifference | null {
  const changes = [
    ...openingChange(before, after),
    ...(before.service === after.service && before.environment === after.environment
      ? []
      : [`belongs to ${after.service} in ${after.environment} instead of ${before.service} in ${before.environment}`]),
    ...decisionChanges(before, after),
    ...runbookChanges(before, after),
    ...pageChanges(before, after),
    ...channelChanges(before, after),
    ...freezeChanges(before, after),
  ];
  const unknown = after.unknown.filter((text) => !before.unknown.includes(text));
  if (changes.length === 0 && unknown.length === 0) return null;
  const hasOtherDecision = decisionChanges(before, after).length > 0;
  return {
    key: before.key,
    id: before.id,
    service: before.service,
    environment: before.environment,
    title: before.title,
    at: (before.opened_at ?? after.opened_at ?? '') as Timestamp,
    changes,
    unknown: [
      ...unknown,
      ...(hasOtherDecision && after.known_until !== null && after.id !== null
        ? [
            `cannot be known: what follows after ${minuteText(after.known_until)}, because it follows from another decision`,
          ]
        : []),
    ],
  };
}

function openingChange(before: Outcome, after: Outcome): string[] {
  if (before.opened_at === after.opened_at) return [];
  if (after.opened_at === null) return ['opens no incident'];
  if (before.opened_at === null) return [`opens an incident at ${minuteText(after.opened_at)}`];
  const seconds = secondsBetween(before.opened_at, after.opened_at);
  return [
    `opens ${durationText(Math.abs(seconds))} ${seconds > 0 ? 'later' : 'earlier'}, at ${minuteText(after.opened_at)}`,
  ];
}

const ACTION_TEXTS: Record<DecisionOutcome['kind'], string> = {
  roll_back: 'acts',
  approve: 'asks',
  wait: 'waits',
  suggest: 'suggests',
  shadow: 'does nothing (shadow)',
  none: 'does nothing',
};

const decisionText = (decision: DecisionOutcome | undefined): string =>
  decision === undefined
    ? 'no decision'
    : `${ACTION_TEXTS[decision.kind]}${decision.kind !== 'none' && decision.from !== null && decision.recipient !== null ? ` (${decision.from} → ${decision.recipient})` : ''}`;

function decisionChanges(before: Outcome, after: Outcome): string[] {
  if (before.opened_at === null || after.opened_at === null) return [];
  const numbers = [...new Set([...before.decisions, ...after.decisions].map(({ number }) => number))].toSorted(
    (x, y) => x - y,
  );
  return numbers.flatMap((number) => {
    const [then, now] = [before, after].map(({ decisions }) =>
      decisions.find((decision) => decision.number === number),
    );
    const [was, is] = [decisionText(then), decisionText(now)];
    if (was === is) return [];
    const why = now === undefined || now.because === '' ? '' : `: ${now.because}`;
    return [`decision ${number} at ${minuteText(now?.at ?? then?.at ?? '')} ${is} instead of: ${was}${why}`];
  });
}

function runbookChanges(before: Outcome, after: Outcome): string[] {
  const names = (outcome: Outcome) => new Set(outcome.runbooks.map(({ name }) => name));
  const [then, now] = [names(before), names(after)];
  return [
    ...[...now].filter((name) => !then.has(name)).map((name) => `runs the runbook ${name}`),
    ...[...then].filter((name) => !now.has(name)).map((name) => `no longer runs the runbook ${name}`),
  ];
}

function pageChanges(before: Outcome, after: Outcome): string[] {
  const name = ({ at, recipient: to }: PageOutcome): string => `${at} ${to}`;
  const [then, now] = [new Set(before.pages.map(name)), new Set(after.pages.map(name))];
  return [
    ...after.pages
      .filter((page) => !then.has(name(page)))
      .map(({ at, recipient: to }) => `pages ${to} at ${minuteText(at)}`),
    ...before.pages
      .filter((page) => !now.has(name(page)))
      .map(({ at, recipient: to }) => `no longer pages ${to} at ${minuteText(at)}`),
  ];
}

function channelChanges(before: Outcome, after: Outcome): string[] {
  if (before.opened_at === null || after.opened_at === null) return [];
  const [then, now] = [new Set(before.channels), new Set(after.channels)];
  return [
    ...[...now].filter((channel) => !then.has(channel)).map((channel) => `announces it in ${channel}`),
    ...[...then].filter((channel) => !now.has(channel)).map((channel) => `no longer announces it in ${channel}`),
  ];
}

function freezeChanges({ freeze: then }: Outcome, { freeze: now, ...b }: Outcome): string[] {
  if (then?.from === now?.from) return [];
  const subject = `deploys of ${b.service} in ${b.environment}`;
  if (now === null) return [`no longer freezes ${subject}`];
  const length =
    now.until === null ? 'its end cannot be known' : `for ${durationText(secondsBetween(now.from, now.until))}`;
  return [`freezes ${subject} from ${minuteText(now.from)}, ${length}`];
}

function pagesOf(pairs: readonly (readonly [Outcome, Outcome])[]): PageDifference[] {
  const counts = new Map<string, PageDifference>();
  const count = (pages: readonly PageOutcome[], which: 'before' | 'after'): void => {
    for (const { at, recipient: to } of pages) {
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
    .filter((page) => page.before !== page.after)
    .toSorted((x, y) => (x.hour < y.hour ? -1 : x.hour > y.hour ? 1 : x.to < y.to ? -1 : 1));
}

/** Formats a duration as `3 min` or `45 s`. */
export function durationText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
