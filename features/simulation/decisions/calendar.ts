import type { Config } from '../../../schemas/config/config.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { scopesOf } from '../../freeze/decisions/calendar.ts';
import { scopeInWords } from '../../freeze/decisions/words.ts';
import { spansBetween } from '../../../core/domain/time/time-spans.ts';

/** A freeze of the calendar: the longest, if several entries freeze the same scope from the same time. */
type PlannedFreeze = { name: string; scope: string; from: Timestamp; until: Timestamp };

/** A freeze that only one of two policies plans, or whose end differs. Null: this policy does not plan it. */
export type CalendarDifference = Pick<PlannedFreeze, 'name' | 'scope' | 'from'> & {
  before: Timestamp | null;
  after: Timestamp | null;
};

/** Number of freezes that begin in the period, and their total length. */
type CalendarTotal = { freezes: number; seconds: number };

export type CalendarComparison = {
  /** In the order of their starts. */
  differences: readonly CalendarDifference[];
  before: CalendarTotal;
  after: CalendarTotal;
};

/** Compares the freezes of two calendars that begin in a period. They follow from the configuration and the time alone. */
export function compareCalendars(
  before: Pick<Config, 'freeze'>,
  after: Pick<Config, 'freeze'>,
  period: { from: Timestamp; until: Timestamp },
): CalendarComparison {
  const [freezesBefore, freezesAfter] = [plannedIn(before, period), plannedIn(after, period)];
  const differences = [...new Set([...freezesBefore.keys(), ...freezesAfter.keys()])].flatMap(
    (key): CalendarDifference[] => {
      const [was, is] = [freezesBefore.get(key), freezesAfter.get(key)];
      const either = is ?? was;
      if (either === undefined || was?.until === is?.until) return [];
      const { name, scope, from } = either;
      return [{ name, scope, from, before: was?.until ?? null, after: is?.until ?? null }];
    },
  );
  const keyOf = ({ from, scope }: CalendarDifference): string => `${from} ${scope}`;
  return {
    differences: differences.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    before: totalOf(freezesBefore),
    after: totalOf(freezesAfter),
  };
}

function plannedIn(
  { freeze: { calendar } }: Pick<Config, 'freeze'>,
  { from, until }: { from: Timestamp; until: Timestamp },
): Map<string, PlannedFreeze> {
  const planned = new Map<string, PlannedFreeze>();
  for (const entry of calendar)
    for (const span of spansBetween(entry, from, until).filter((candidate) => candidate.from >= from))
      for (const scope of scopesOf(entry).map(scopeInWords)) {
        const key = JSON.stringify([scope, span.from]);
        const longest = planned.get(key);
        if (longest === undefined || longest.until < span.until)
          planned.set(key, { name: entry.name, scope, from: span.from, until: span.until });
      }
  return planned;
}

const totalOf = (planned: ReadonlyMap<string, PlannedFreeze>): CalendarTotal => ({
  freezes: planned.size,
  seconds: [...planned.values()].reduce((sum, { from, until }) => sum + secondsBetween(from, until), 0),
});
