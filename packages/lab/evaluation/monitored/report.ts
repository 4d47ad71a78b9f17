import { lowerBound, upperBound } from '../bounds.ts';
import type { MonitoredCase } from './case.ts';
import { type ClassName, LABELS, isNegative, type Label } from './labels.ts';

/** The change to undo; null: unknown. `to`: version to which it would be rolled back; null: none, or the one before. */
export type Act = { change: string | null; to: string | null };

/** What the product, or a rule for comparison, concludes about a case. */
export type Verdict = {
  /** `roll_back`: automatically. `ask`: a person decides. `none`: neither. */
  action: 'roll_back' | 'ask' | 'none';
  /** The act, or those that a person can choose from. */
  acts: readonly Act[];
  /** The change that is named as the most likely cause. Null: none, or probably no change. */
  named: string | null;
  /** The confidence that is printed with the first suspect, and the suspect. Null: there is none. */
  top: { change: string; confidence: number } | null;
  /** Highest limit of confidence for questions with which a person is asked, if nothing else prevents it. 0: no suspect. */
  askedUpTo: number;
  /** Nobody is asked, because `askedUpTo` is below the present limit. A question would offer `acts`. */
  isBelowLimit: boolean;
  /** A person was asked first, and the act was proved while the question waited. Absent: it was not. */
  isLater?: true;
  /** Seconds from the first judgement to the act or the last question. Absent: they are not counted. */
  seconds?: number;
};

/**
 * `right`: rolled back as wanted, or left alone as wanted. `asked_rightly`: the change to be undone is named, or a person
 * is asked about it, or can choose it. `asked_wrongly`: yes would be wrong. `left_out`: nobody is told about the change to be undone.
 * `wrong`: a rollback that is not wanted.
 */
export const OUTCOMES = ['right', 'asked_rightly', 'asked_wrongly', 'left_out', 'wrong'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * Returns the change that a rollback undoes in effect: the cause, if a newer deploy of the same service is rolled back to
 * a version from before the cause.
 */
function undoneBy({ stage: { recorded }, label }: MonitoredCase, { change, to }: Act): string | null {
  const find = (id: string | null) => recorded.find((one) => one.id === id && one.kind === 'deploy');
  const [cause, suspect] = [find(label.cause), find(change)];
  if (cause === undefined || suspect?.service !== cause.service || suspect.start < cause.start) return change;
  const target = recorded.findLast(
    (one) => one.service === cause.service && one.version === to && one.kind === 'deploy',
  );
  return target !== undefined && target.start < cause.start ? cause.id : change;
}

/** A question that offers no act only asks to look: there is no yes that could be wrong, and it counts as a report. */
const asks = ({ action, acts }: Verdict): boolean => action === 'ask' && acts.some(({ change }) => change !== null);

const isQuestion = ({ verdict }: Seen): boolean => asks(verdict);

export function outcomeOf({ cause, wants }: Label, verdict: Verdict): Outcome {
  const { acts, named } = verdict;
  const action = verdict.action === 'ask' && !asks(verdict) ? 'none' : verdict.action;
  const isCause = cause !== null && acts.some(({ change }) => change === cause);
  if (action === 'roll_back') return wants === 'roll_back' && isCause ? 'right' : 'wrong';
  if (action === 'ask') return wants !== 'leave' && isCause ? 'asked_rightly' : 'asked_wrongly';
  if (wants === 'leave') return 'right';
  return wants === 'ask' && named === cause ? 'asked_rightly' : 'left_out';
}

/** Kinds of changes that a question can offer to undo. Others are only named. */
const UNDOABLE: ReadonlySet<string> = new Set(['deploy', 'flag']);

/**
 * Returns the outcome if Firebreak asked from another limit of confidence on, from the same evidence: a rollback stays, a
 * question below the limit is left out with the name, and where only the present limit prevents a question, it offers to
 * undo the leading candidates. An answer that is refused for any other reason stays refused. What else would be refused
 * below the present limit is not known, so that with lower limits, questions are slightly overestimated.
 */
export function outcomeWithLimit(
  limit: number,
  label: Label,
  verdict: Verdict,
  kindOf: (change: string) => string | undefined,
): Outcome {
  if (verdict.action === 'roll_back') return outcomeOf(label, verdict);
  if (verdict.askedUpTo < limit) return outcomeOf(label, { ...verdict, action: 'none', named: null });
  if (!verdict.isBelowLimit) return outcomeOf(label, verdict);
  const acts = verdict.acts.filter(({ change }) => change !== null && UNDOABLE.has(kindOf(change) ?? ''));
  return outcomeOf(label, { ...verdict, action: 'ask', acts, named: verdict.top?.change ?? null });
}

/** `bound`: one-sided Clopper-Pearson bound at 95 %; the upper one for rates that should be low, otherwise the lower one. */
export type Rate = { hits: number; of: number; bound: number };

export type ClassRow = {
  name: ClassName;
  cases: number;
  /** Cases in which metrics show two versions side by side. */
  versions_visible: number;
  /** Cases that the data can decide, by outcome. */
  decidable: Record<Outcome, number>;
  undecidable: Record<Outcome, number>;
  /** Upper bounds of the rates of the decidable cases. */
  wrong: Rate;
  asked_wrongly: Rate;
};

/** One bin of a reliability table: mean confidence, and the share in which the statement was true. */
export type Bin = { from: number; cases: number; confidence: number; share: number };

/** `error`: mean distance of confidence and truth, weighted by cases (expected calibration error). */
export type Calibration = { cases: number; error: number; bins: Bin[] };

/** The limits of confidence for questions that the report compares. */
export const QUESTION_LIMITS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6] as const;

/** What asking from `limit` on gives: `named` as `clear_others_named`, and `asked_wrongly` as `questions_wrong`. */
export type LimitRow = { limit: number; named: Rate; asked_wrongly: Rate };

/** Numbers of cases by class. Classes without a case are left out. */
export type ByClass = Partial<Record<ClassName, number>>;

export type MonitoredReport = {
  cases: number;
  classes: ClassRow[];
  /** Wrong rollbacks in classes in which none is right, of all cases, and without the undecidable ones. */
  wrong_negatives: Rate;
  wrong_negatives_decidable: Rate;
  /** Wrong rollbacks in the other classes. */
  wrong_positives: Rate;
  /** Wrong ones of all rollbacks. */
  acts_wrong: Rate;
  /** Clear cases that were acted upon, whatever the product can read about them. */
  clear_acted: Rate;
  /** Clear cases that were acted upon, where versions are visible. */
  clear_versions_acted: Rate;
  /** The same, without a question before. */
  clear_versions_acted_at_once: Rate;
  /** As `clear_versions_acted`, where the versions had requests enough side by side to tell their failure ratios apart. */
  clear_distinct_acted: Rate;
  /** Other clear cases that were acted upon, and those acted upon or asked about with the right name. */
  clear_others_acted: Rate;
  clear_others_named: Rate;
  /** All cases in which a rollback is wanted, also those that are not clear or undecidable, acted upon or named. */
  wanted_named_of_all: Rate;
  /** Questions whose yes would be wrong: of all cases, and of all questions. */
  questions_wrong_of_all: Rate;
  questions_wrong_of_all_asked: Rate;
  /** The same without the undecidable cases. */
  questions_wrong: Rate;
  questions_wrong_of_asked: Rate;
  undecidable: { cases: number; acted_wrongly: number; asked: number };
  /** Names against wrong questions, by the limit of confidence from which Firebreak would ask. */
  by_limit: LimitRow[];
  /** Cases that miss `clear_versions_acted`, `clear_others_named`, or `questions_wrong`. */
  missed: { clear_versions_acted: ByClass; clear_others_named: ByClass; questions_wrong: ByClass };
  calibration: Calibration;
  /** Expected calibration error by class, traffic, and evidence. */
  calibration_by: Record<string, Calibration>;
  /** Cases with a wrong rollback, the first fifty. */
  wrong: string[];
};

/** A case that was judged, without its world. `withLimits`: the outcomes with each of `QUESTION_LIMITS`. */
export type Seen = Pick<MonitoredCase, 'id' | 'name' | 'label' | 'facts'> & {
  verdict: Verdict;
  outcome: Outcome;
  withLimits: readonly Outcome[];
};

const NAMED_MAX = 50;

const CLASSES_IN_ORDER = Object.keys(LABELS) as ClassName[];

/** Returns what the report needs of a case. Worlds are too large to keep. */
export function seenOf(monitored: MonitoredCase, given: Verdict): Seen {
  const { id, name, label, facts, stage } = monitored;
  const verdict = { ...given, acts: given.acts.map((act) => ({ ...act, change: undoneBy(monitored, act) })) };
  const kinds = new Map(stage.recorded.map((one) => [one.id, one.kind]));
  const withLimits = QUESTION_LIMITS.map((limit) =>
    outcomeWithLimit(limit, label, verdict, (change) => kinds.get(change)),
  );
  return { id, name, label, facts, verdict, outcome: outcomeOf(label, verdict), withLimits };
}

export function monitoredReport(seen: readonly Seen[]): MonitoredReport {
  const isWrong = ({ outcome }: Seen) => outcome === 'wrong';
  const isDecidable = ({ facts }: Seen) => facts.undecidable === null;
  const negatives = seen.filter(({ name }) => isNegative(name));
  const clear = seen.filter(({ facts }) => facts.isClear);
  const [visible, others] = [true, false].map((is) => clear.filter(({ facts }) => facts.areVersionsVisible === is));
  const isRight = ({ outcome }: Seen) => outcome === 'right';
  const isNamed = (one: Seen) => isRight(one) || one.outcome === 'asked_rightly';
  const distinct = visible?.filter(({ facts }) => facts.areVersionsDistinct) ?? [];
  const undecided = seen.filter((one) => !isDecidable(one));
  const isAskedWrongly = ({ outcome }: Seen) => outcome === 'asked_wrongly';
  return {
    cases: seen.length,
    classes: CLASSES_IN_ORDER.filter((name) => seen.some((one) => one.name === name)).map((name) =>
      rowOf(
        name,
        seen.filter((one) => one.name === name),
      ),
    ),
    wrong_negatives: rate(negatives, isWrong, upperBound),
    wrong_negatives_decidable: rate(negatives.filter(isDecidable), isWrong, upperBound),
    wrong_positives: rate(
      seen.filter(({ name }) => !isNegative(name)),
      isWrong,
      upperBound,
    ),
    acts_wrong: rate(
      seen.filter(({ verdict }) => verdict.action === 'roll_back'),
      isWrong,
      upperBound,
    ),
    clear_acted: rate(clear, isRight, lowerBound),
    clear_versions_acted: rate(visible ?? [], isRight, lowerBound),
    clear_versions_acted_at_once: rate(
      visible ?? [],
      (one) => isRight(one) && one.verdict.isLater !== true,
      lowerBound,
    ),
    clear_distinct_acted: rate(distinct, isRight, lowerBound),
    clear_others_acted: rate(others ?? [], isRight, lowerBound),
    clear_others_named: rate(others ?? [], isNamed, lowerBound),
    wanted_named_of_all: rate(
      seen.filter(({ label }) => label.wants === 'roll_back'),
      isNamed,
      lowerBound,
    ),
    questions_wrong_of_all: rate(seen, isAskedWrongly, upperBound),
    questions_wrong_of_all_asked: rate(seen.filter(isQuestion), isAskedWrongly, upperBound),
    questions_wrong: rate(seen.filter(isDecidable), isAskedWrongly, upperBound),
    questions_wrong_of_asked: rate(seen.filter(isDecidable).filter(isQuestion), isAskedWrongly, upperBound),
    undecidable: {
      cases: undecided.length,
      acted_wrongly: undecided.filter(isWrong).length,
      asked: undecided.filter(({ verdict }) => verdict.action === 'ask').length,
    },
    by_limit: QUESTION_LIMITS.map((limit, index) => {
      const isOneOf = (outcomes: readonly Outcome[]) => (one: Seen) =>
        outcomes.includes(one.withLimits[index] ?? one.outcome);
      return {
        limit,
        named: rate(others ?? [], isOneOf(['right', 'asked_rightly']), lowerBound),
        asked_wrongly: rate(seen.filter(isDecidable), isOneOf(['asked_wrongly']), upperBound),
      };
    }),
    missed: {
      clear_versions_acted: byClass(visible?.filter((one) => !isRight(one)) ?? []),
      clear_others_named: byClass(others?.filter((one) => !isNamed(one)) ?? []),
      questions_wrong: byClass(seen.filter((one) => isDecidable(one) && isAskedWrongly(one))),
    },
    calibration: calibrationOf(seen),
    calibration_by: Object.fromEntries([...groups(seen)].map(([name, members]) => [name, calibrationOf(members)])),
    wrong: seen
      .filter(isWrong)
      .slice(0, NAMED_MAX)
      .map(({ id }) => id),
  };
}

function byClass(cases: readonly Seen[]): ByClass {
  const counts: ByClass = {};
  for (const { name } of cases) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function groups(seen: readonly Seen[]): Map<string, Seen[]> {
  const found = new Map<string, Seen[]>();
  for (const one of seen)
    for (const name of [`traffic ${one.facts.traffic}`, `evidence: ${one.facts.evidence}`, one.name])
      found.set(name, [...(found.get(name) ?? []), one]);
  return found;
}

function rowOf(name: ClassName, cases: readonly Seen[]): ClassRow {
  const decidable = cases.filter(({ facts }) => facts.undecidable === null);
  const counts = (some: readonly Seen[]): Record<Outcome, number> => {
    const count = { right: 0, asked_rightly: 0, asked_wrongly: 0, left_out: 0, wrong: 0 };
    for (const { outcome } of some) count[outcome] += 1;
    return count;
  };
  return {
    name,
    cases: cases.length,
    versions_visible: cases.filter(({ facts }) => facts.areVersionsVisible).length,
    decidable: counts(decidable),
    undecidable: counts(cases.filter(({ facts }) => facts.undecidable !== null)),
    wrong: rate(decidable, ({ outcome }) => outcome === 'wrong', upperBound),
    asked_wrongly: rate(decidable, ({ outcome }) => outcome === 'asked_wrongly', upperBound),
  };
}

const rate = <T>(
  cases: readonly T[],
  hit: (one: T) => boolean,
  bound: (hits: number, trials: number) => number,
): Rate => {
  const hits = cases.filter(hit).length;
  return { hits, of: cases.length, bound: bound(hits, cases.length) };
};

const BINS = 10;

/** Compares confidences, from 0 to 1, with the truth. */
export function calibrated(ranked: readonly { confidence: number; isTrue: boolean }[]): Calibration {
  const bins = Array.from({ length: BINS }, (_, bin): Bin => {
    const inside = ranked.filter(({ confidence }) => Math.min(BINS - 1, Math.floor(confidence * BINS)) === bin);
    const mean = (valueOf: (one: (typeof inside)[number]) => number): number =>
      inside.length === 0 ? 0 : inside.reduce((sum, one) => sum + valueOf(one), 0) / inside.length;
    return {
      from: bin / BINS,
      cases: inside.length,
      confidence: mean(({ confidence }) => confidence),
      share: mean(({ isTrue }) => Number(isTrue)),
    };
  });
  const distance = bins.reduce((sum, { cases, confidence, share }) => sum + cases * Math.abs(confidence - share), 0);
  return { cases: ranked.length, error: ranked.length === 0 ? 0 : distance / ranked.length, bins };
}

/** Compares the printed confidences of first suspects with the truth. */
export const calibrationOf = (seen: readonly Pick<Seen, 'label' | 'verdict'>[]): Calibration =>
  calibrated(
    seen.flatMap(({ label, verdict: { top } }) =>
      top === null ? [] : [{ confidence: top.confidence, isTrue: top.change === label.cause }],
    ),
  );
