import { describe, expect, test } from 'vitest';
import { decide } from '../../decisions/decide.ts';
import { budgetFreeze } from '../../decisions/causes.ts';
import { isStale as isStaleStatus } from '../../decisions/budget/spending.ts';
import type { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import { at, hash, inputs, NOON, policy, slo, status } from './builders.ts';

const DENY = { stale: { afterSeconds: 600, deploys: 'deny' } } as const;
const WHY = 'Prometheus answered 404: page not found';

/** Builds a status with this coverage, limited for the given reason. */
const known = (coverage: number, unread: string | null): SloStatus =>
  status({ unread, budget: { remaining: null, spent_at_least: 0, coverage } });

describe('a budget with insufficient data', () => {
  test('is stale and refused by policy if the past could not be read', () => {
    const { allowed, stale, data_age_s, reasons } = decide(inputs({ slos: [known(0.1234, WHY)], policy: DENY }));
    expect({ allowed, stale, data_age_s }).toEqual({ allowed: false, stale: true, data_age_s: null });
    expect(reasons[0]).toEqual({
      code: 'stale_data',
      text: `only 12.3 % of the budget window of checkout-availability is known, and the rest could not be read: ${WHY}`,
      more: ['the policy does not allow deploys in that case'],
    });
  });

  test('or warns, by policy', () => {
    const { allowed, verdict, reasons } = decide(inputs({ slos: [known(0.1, WHY)] }));
    expect([allowed, verdict, reasons[0]?.code]).toEqual([true, 'warn', 'stale_data']);
  });

  test('is reported without a warning if there are no older data', () => {
    const { verdict, reasons } = decide(inputs({ slos: [known(0.1, null)], policy: DENY }));
    expect(verdict).toBe('allow');
    expect(reasons).toEqual([
      {
        code: 'budget_partly_known',
        text: 'only 10 % of the budget window of checkout-availability is known',
        more: ['there are no older data', 'at least 0 % is spent'],
      },
    ]);
  });

  test.each<[string, Parameters<typeof inputs>[0]]>([
    ['since there is no more of it, as of a young service', { slos: [known(0.1, null)], policy: DENY }],
    ['is of no account where budgets freeze nothing', { slos: [known(0.1, WHY)], policy: { ...DENY, budget: null } }],
    ['and enough all the same', { slos: [status({ unread: WHY, budget: { coverage: 0.96 } })], policy: DENY }],
    ['of an evaluation that did not tell', { slos: [status({ budget: { remaining: null, coverage: 0.1 } })] }],
  ])('%s', (_, asked) => {
    const { allowed, stale, data_age_s } = decide(inputs(asked));
    expect({ allowed, stale, data_age_s }).toEqual({ allowed: true, stale: false, data_age_s: 0 });
  });
});

describe('a budget with corrections', () => {
  const { budget: spent, burn_rates } = status({ spent: 1.2 });
  const corrected: SloStatus['corrected'] = {
    count: 1,
    excluded_seconds: 7200,
    corrections: [
      {
        id: 'cor_1',
        category: 'load_test',
        reason: 'Rehearsal',
        starts_at: NOON,
        ends_at: NOON,
        rrule: null,
        created_by: 'ada',
      },
    ],
    uncorrected: { budget: spent, burn_rates },
  };

  test('allows deploys by the corrected value, and names the correction', () => {
    const { verdict, reasons } = decide(inputs({ slos: [status({ spent: 0.2, corrected })] }));
    expect(verdict).toBe('allow');
    expect(reasons).toEqual([
      {
        code: 'budget_corrected',
        text: 'corrections apply to the budget of checkout-availability: 20 % (120 % without corrections) is spent',
        more: ['not counted: load_test "Rehearsal" (ada)'],
      },
    ]);
  });

  test('that is spent all the same names it in the reason of the freeze', () => {
    const { reason } = budgetFreeze(slo(), status({ spent: 1.1, corrected }), policy(), NOON, hash);
    expect(reason).toContain('was spent: 110 % (120 % without corrections) of what ');
    expect(reason).toMatch(/; not counted: load_test "Rehearsal" \(ada\)$/);
  });
});

test('an objective that was never evaluated is named, even if another one replaced it', () => {
  const requested = { ...inputs({ slos: [status()], policy: DENY }), objectives: 1, objectiveIds: ['a-new-one'] };
  const { allowed, reasons } = decide(requested);
  expect(allowed).toBe(false);
  expect(reasons[0]?.text).toContain('1 of 1 objectives have not been evaluated yet: a-new-one');
});

describe('age and staleness agree', () => {
  const NOTHING = status({ data_at: null });
  const OLD = status({ data_at: at(-11) });
  const MOMENT = status({ data_at: new Date(Date.parse(NOON) - 600_400).toISOString() as typeof NOON });
  test.each<[string, SloStatus[], number | null, boolean]>([
    ['fresh', [status()], 0, false],
    ['at the limit, and less than a second more', [MOMENT], 600, false],
    ['older', [status(), OLD], 660, true],
    ['one that was never known', [OLD, NOTHING], null, true],
    ['one that could not be read', [status(), known(0.1, WHY)], null, true],
  ])('%s', (_, slos, age, isStale) => {
    const { stale, data_age_s } = decide(inputs({ slos }));
    expect([data_age_s, stale]).toEqual([age, isStale]);
    expect(stale).toBe(data_age_s === null || data_age_s > policy().stale.afterSeconds);
    expect(slos.some((one) => isStaleStatus(one, policy(), NOON))).toBe(isStale);
  });
});
