import { lowerBound, upperBound } from './bounds.ts';
import { type Case, type Kind, type Label, NEGATIVES, type Question, type Right } from './case.ts';
import type { LooksBy } from './clear.ts';
import type { Judge, Judgement } from './judge.ts';

/** Result of one judgement with its label. */
export const OUTCOMES = [
  'rolled_back_right',
  'rolled_back_wrong',
  'asked_of_cause',
  'asked_of_other',
  'left_right',
  'left_wrong',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Numbers of cases of one kind and label, by decision. */
export type Row = {
  kind: Kind;
  right: Right;
  cases: number;
  /** Cases of these in which no evidence speaks against a deploy that is not the cause. */
  undecidable: number;
  outcomes: Record<Outcome, number>;
};

/** `bound`: one-sided 95 % confidence bound; the upper one for rates that should be low, otherwise the lower one. */
export type Rate = { hits: number; of: number; share: number; bound: number };

/**
 * Cases that look like a bad deploy (clear.ts). `is`: a deploy is the cause. `deceives`: it is not. And how many of each
 * were acted on.
 */
export type LooksRow = { by: LooksBy; is: number; acted_rightly: number; deceives: number; acted_wrongly: number };

export type Target = { name: string; value: number; target: number; met: boolean };

export type Report = {
  cases: number;
  matrix: Row[];
  /** Wrong automatic rollbacks of negatives. */
  wrong_negatives: Rate;
  /** Wrong automatic rollbacks of all other cases: of the wrong change, or of one that a person had to decide on. */
  wrong_positives: Rate;
  /** Cases with a wrong automatic rollback, the first fifty. */
  wrong: string[];
  /** Clear cases, in which the evidence points to one deploy (clear.ts), with a right action. */
  clear: Rate;
  /** Automatic rollbacks in all cases in which a rollback was wanted. */
  automatic: Rate;
  looks: LooksRow[];
  ranking: {
    /** Cases caused by a change in which it is ranked first, or among the first three. */
    first: Rate;
    first_three: Rate;
    /** Cases with a change ranked first in which it is the cause. */
    precision: Rate;
  };
  /** Cases without a cause among the changes: no change concluded, a person asked, or a change rolled back. */
  no_change: { cases: number; said: number; asked: number; rolled_back: number };
  undecidable: number;
  targets: Target[];
};

export const WRONG_MAX = 0.001;
export const CLEAR_MIN = 0.9;
const NAMED_MAX = 50;

export async function evaluate(cases: Iterable<Case>, judge: Judge): Promise<Report> {
  const tally = newTally();
  for (const one of cases) tally.add(one, await judge(questionOf(one)));
  return tally.report();
}

/** Returns the part of a case that a judge sees. */
export const questionOf = ({ id, evidence, history, policy, later }: Case): Question => ({
  id,
  evidence,
  history,
  policy,
  ...(later && { later }),
});

export function outcomeOf({ cause, right }: Label, { action, change_id }: Judgement): Outcome {
  if (action === 'none') return right === 'do_not_roll_back' ? 'left_right' : 'left_wrong';
  if (action === 'ask') return change_id === cause ? 'asked_of_cause' : 'asked_of_other';
  return right === 'roll_back' && change_id === cause ? 'rolled_back_right' : 'rolled_back_wrong';
}

const negatives: ReadonlySet<string> = new Set(NEGATIVES);

/** A case that was judged, without its evidence, which is large. */
export type Seen = Omit<Case, keyof Omit<Question, 'id'>> & { outcome: Outcome; judgement: Judgement };

export const seenOf = ({ id, kind, label, facts }: Case, judgement: Judgement): Seen => ({
  id,
  kind,
  label,
  facts,
  judgement,
  outcome: outcomeOf(label, judgement),
});

/** Collects results of cases without the cases themselves. */
export function newTally() {
  const seen: Seen[] = [];
  return {
    add: (one: Case, judgement: Judgement): void => void seen.push(seenOf(one, judgement)),
    report: (): Report => reportOf(seen),
  };
}

export function reportOf(seen: readonly Seen[]): Report {
  const of = (keep: (one: Seen) => boolean) => seen.filter(keep);
  const wrong = of(({ outcome }) => outcome === 'rolled_back_wrong');
  const [negative, positive] = [of(({ kind }) => negatives.has(kind)), of(({ kind }) => !negatives.has(kind))];
  const isWrong = ({ outcome }: Seen) => outcome === 'rolled_back_wrong';
  const isRight = ({ outcome }: Seen) => outcome === 'rolled_back_right';
  const wrongNegatives = rate(negative, isWrong, upperBound);
  const clear = rate(
    of(({ facts }) => facts.clear),
    isRight,
    lowerBound,
  );
  return {
    cases: seen.length,
    matrix: matrix(seen),
    wrong_negatives: wrongNegatives,
    wrong_positives: rate(positive, isWrong, upperBound),
    wrong: wrong.slice(0, NAMED_MAX).map(({ id }) => id),
    clear,
    automatic: rate(
      of(({ label }) => label.right === 'roll_back'),
      isRight,
      lowerBound,
    ),
    looks: (['versions', 'alert', 'time'] as const).map((by) => looksRow(seen, by)),
    ranking: ranking(seen),
    no_change: noChange(of(({ label }) => label.cause === null)),
    undecidable: of(({ facts }) => facts.undecidable).length,
    targets: [
      atMost('wrong automatic rollbacks', wrong.length, 0),
      atMost('wrong automatic rollbacks of negatives, 95 % upper bound', wrongNegatives.bound, WRONG_MAX),
      atLeast('clear cases acted upon', clear.share, CLEAR_MIN),
    ],
  };
}

const atMost = (name: string, value: number, target: number): Target => ({ name, value, target, met: value <= target });
const atLeast = (name: string, value: number, target: number): Target => ({
  name,
  value,
  target,
  met: value >= target,
});

function rate<T>(of: readonly T[], hit: (one: T) => boolean, bound: (hits: number, trials: number) => number): Rate {
  const hits = of.filter(hit).length;
  return { hits, of: of.length, share: of.length === 0 ? 0 : hits / of.length, bound: bound(hits, of.length) };
}

function matrix(seen: readonly Seen[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { kind, label, facts, outcome } of seen) {
    const key = `${kind} ${label.right}`;
    const row = rows.get(key) ?? emptyRow(kind, label.right);
    row.cases += 1;
    row.undecidable += Number(facts.undecidable);
    row.outcomes[outcome] += 1;
    rows.set(key, row);
  }
  return [...rows.values()];
}

const emptyRow = (kind: Kind, right: Right): Row => ({
  kind,
  right,
  cases: 0,
  undecidable: 0,
  outcomes: {
    rolled_back_right: 0,
    rolled_back_wrong: 0,
    asked_of_cause: 0,
    asked_of_other: 0,
    left_right: 0,
    left_wrong: 0,
  },
});

function looksRow(seen: readonly Seen[], by: LooksBy): LooksRow {
  const alike = seen.filter(({ facts }) => facts.looks === by);
  const [is, deceives] = [alike.filter(({ facts }) => !facts.deceives), alike.filter(({ facts }) => facts.deceives)];
  return {
    by,
    is: is.length,
    acted_rightly: is.filter(({ outcome }) => outcome === 'rolled_back_right').length,
    deceives: deceives.length,
    acted_wrongly: deceives.filter(({ outcome }) => outcome === 'rolled_back_wrong').length,
  };
}

function ranking(seen: readonly Seen[]): Report['ranking'] {
  const caused = seen.filter(({ label }) => label.cause !== null);
  const within = (places: number) => (one: Seen) =>
    one.label.cause !== null && one.judgement.ranked.slice(0, places).includes(one.label.cause);
  return {
    first: rate(caused, within(1), lowerBound),
    first_three: rate(caused, within(3), lowerBound),
    precision: rate(
      seen.filter(({ judgement }) => judgement.ranked.length > 0),
      within(1),
      lowerBound,
    ),
  };
}

function noChange(seen: readonly Seen[]): Report['no_change'] {
  const rolledBack = seen.filter(({ judgement }) => judgement.action === 'roll_back').length;
  const said = seen.filter(({ judgement }) => judgement.action !== 'roll_back' && judgement.change_id === null).length;
  return { cases: seen.length, said, asked: seen.length - said - rolledBack, rolled_back: rolledBack };
}
