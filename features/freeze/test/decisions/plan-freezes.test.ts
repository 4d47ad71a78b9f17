import { describe, expect, test } from 'vitest';
import { calendarAt } from '../../decisions/calendar.ts';
import { burnFreeze, burnFreezeByAlert, budgetFreeze, incidentFreeze } from '../../decisions/causes.ts';
import { causeKey } from '../../decisions/ids.ts';
import type { Evaluated, FreezePlanInputs } from '../../decisions/budget/freeze-plan-inputs.ts';
import { planFreezes, revisionOf } from '../../decisions/budget/plan-freezes.ts';
import { Freeze } from '../../schemas/freeze.ts';
import { FreezeFile } from '../../schemas/freeze-policy.ts';
import type { Severity } from '../../../../schemas/config/names.ts';
import {
  at,
  freeze,
  hash,
  INCIDENT,
  NOON,
  override,
  PAGE,
  serviceEnvironment,
  policy,
  slo,
  status,
  TICKET,
} from './builders.ts';

type More = Partial<FreezePlanInputs> & { objective?: Partial<Evaluated> };

/** Runs an evaluation of one objective at noon. */
const planned = ({ objective, ...more }: More = {}) =>
  planFreezes(
    {
      at: NOON,
      objectives: [{ slo: slo(), policy: policy(), status: status(), alerting: null, ...objective }],
      incidents: [],
      calendar: calendarAt([], NOON),
      current: [],
      ...more,
    },
    hash,
  );

const opened = (more: More): string[] => planned(more).open.map(({ cause }) => cause);
/** Returns the reason of the ended freeze. */
const ended = (more: More): string | undefined => planned(more).end[0]?.reason;

const lifted = { ended_at: at(-5), ended_by: 'person:bo', end_reason: 'needed' };
const budget = freeze('budget', { not_before: at(-15) });
const burn = freeze('burn', { not_before: at(-15) });

describe('a budget freezes', () => {
  test.each<[string, Evaluated['status'], boolean]>([
    ['when all of it is spent', status({ spent: 1 }), true],
    ['and not before', status({ spent: 0.9999 }), false],
    ['to the last error, despite floating-point rounding', status({ budget: { remaining: 1 - 0.9 - 0.1 } }), true],
    ['but not by errors that can be chance', status({ spent: 2, budget: { significant: false } }), false],
    ['when too little is known, by what is certain', status({ spent: 1.2, budget: { remaining: null } }), true],
    ['and by no more', status({ spent: 0.9, budget: { remaining: null } }), false],
    ['even while Prometheus does not answer', status({ spent: 1.2, state: 'unreadable', data_at: at(-60) }), true],
    ['but not where nothing is evaluated', null, false],
  ])('%s', (_, found, freezes) => {
    expect(opened({ objective: { status: found } })).toEqual(freezes ? ['budget'] : []);
  });

  test('at the share set by the policy', () => {
    const rules = policy({ budget: { warn: 0.5, freeze: 0.8, liftBelow: 0.7 } });
    expect(opened({ objective: { status: status({ spent: 0.8 }), policy: rules } })).toEqual(['budget']);
    expect(opened({ objective: { status: status({ spent: 2 }), policy: policy({ budget: null }) } })).toEqual([]);
  });

  test('with a complete record', () => {
    const [record] = planned({ objective: { status: status({ spent: 2.976 }) } }).open;
    expect(Freeze.parse(record)).toEqual(record);
    expect(record).toMatchObject({
      cause: 'budget',
      service: 'checkout',
      environment: 'production',
      team: null,
      reason:
        'at 2026-11-20 12:00 UTC, the error budget of checkout-availability was spent: 297.6 % of what 99.9 % over 28 days allows',
      ends_when: 'less than 95 % of the budget is spent, as old errors leave its window',
      starts_at: NOON,
      not_before: at(15),
      slo: 'checkout-availability',
      opened_by: 'evaluation',
    });
    expect(record?.id).toMatch(/^frz_[0-9a-f]{26}$/);
  });

  test('once, until its cause is over', () => {
    const objective = { status: status({ spent: 2 }) };
    expect(opened({ objective, current: [budget] })).toEqual([]);
    expect(opened({ objective, current: [{ ...budget, ...lifted }] })).toEqual([]);
  });
});

describe('a spent budget that also burns', () => {
  const both = { status: status({ spent: 1.2, burning: [PAGE] }) };

  test('opens one freeze', () => {
    expect(opened({ objective: both })).toEqual(['budget']);
    expect(opened({ objective: both, current: [budget] })).toEqual([]);
  });

  test('hands its overrides and its minimum duration on to the burn rate that it has covered', () => {
    const overrides = [override()];
    const recovered = { status: status({ spent: 0, burning: [PAGE] }) };
    const current = [{ ...budget, overrides }];
    const first = planned({ objective: recovered, current });
    // It ends once the other one is stored: a process can end in between.
    expect(first).toMatchObject({ end: [], open: [{ cause: 'burn', overrides, not_before: budget.not_before }] });
    const next = planned({ objective: recovered, current: [...current, ...first.open] });
    expect(next).toMatchObject({ end: [{ id: budget.id, settled: true }], open: [] });
    expect(planned({ objective: recovered }).open).toMatchObject([{ overrides: [], not_before: at(15) }]);
  });

  test('takes over the overrides of a freeze by burn rate, which then ends', () => {
    const overrides = [override()];
    const first = planned({ objective: both, current: [{ ...burn, overrides }] });
    expect(first).toMatchObject({ end: [], open: [{ cause: 'budget', overrides }] });
    const next = planned({ objective: both, current: [{ ...burn, overrides }, ...first.open] });
    expect(next).toMatchObject({
      open: [],
      end: [{ id: burn.id, settled: true, reason: expect.stringContaining(`${first.open[0]?.id}`) }],
    });
  });

  test('freezes by its burn rate as soon as the budget has recovered', () => {
    const recovered = { status: status({ spent: 0.9, burning: [PAGE] }) };
    expect(planned({ objective: recovered, current: [budget] })).toMatchObject({ end: [], open: [{ cause: 'burn' }] });
    expect(planned({ objective: recovered, current: [budget, burn] })).toMatchObject({
      end: [{ id: budget.id }],
      open: [],
    });
  });

  test('that a person has lifted is frozen by a later burn rate', () => {
    const current = [{ ...budget, ...lifted }];
    expect(opened({ objective: both, current })).toEqual(['burn']);
    expect(opened({ objective: both, current: [...current, { ...burn, ...lifted }] })).toEqual([]);
  });
});

describe('a budget freeze', () => {
  const over = 'less than 95 % of the budget is spent';
  test.each<[string, Partial<Evaluated>, string | undefined]>([
    ['lifts below the level', { status: status({ spent: 0.9499 }) }, over],
    ['and not at it', { status: status({ spent: 0.95 }) }, undefined],
    [
      'lifts without traffic, when the errors have left the window',
      { status: status({ spent: 0, state: 'no_traffic' }) },
      over,
    ],
    ['stays while too little is known', { status: status({ spent: 0, budget: { remaining: null } }) }, undefined],
    ['stays without data', { status: status({ spent: 0, state: 'no_data' }) }, undefined],
    ['stays while Prometheus does not answer', { status: status({ spent: 0, state: 'unreadable' }) }, undefined],
    ['stays while it is unclear', { status: status({ spent: 0, state: 'unclear' }) }, undefined],
    ['stays with old data', { status: status({ spent: 0, data_at: at(-11) }) }, undefined],
    ['stays where nothing is evaluated any more', { status: null, alerting: false }, undefined],
    [
      'ends where budgets freeze no more',
      { status: null, policy: policy({ budget: null }) },
      'the policy no longer freezes for budgets here (budget: off)',
    ],
    [
      'ends when its objective has moved',
      { slo: slo('checkout-availability', 'search') },
      'the objective checkout-availability now belongs to search in production',
    ],
    [
      'ends when its objective is gone',
      { slo: slo('another') },
      'the objective checkout-availability is no longer configured',
    ],
  ])('%s', (_, objective, reason) => {
    expect(ended({ objective, current: [budget] })).toBe(reason);
  });

  test('lasts for its minimum duration, except after a configuration change', () => {
    const current = [{ ...budget, not_before: at(1) }];
    expect(ended({ current })).toBeUndefined();
    expect(ended({ current, at: at(1), objective: { status: status({ data_at: at(1) }) } })).toBe(over);
    expect(ended({ current, objectives: [] })).toMatch(/no longer configured/);
    expect(ended({ current, objective: { policy: policy({ budget: null }) } })).toMatch(/no longer freezes/);
  });

  test('that a person lifted is settled when its cause is over, regardless of its minimum duration', () => {
    const current = [{ ...budget, ...lifted, not_before: at(9) }];
    expect(planned({ current, objective: { status: status({ spent: 0.96 }) } })).toMatchObject({
      settle: [],
      open: [],
    });
    expect(planned({ current })).toMatchObject({ settle: [{ id: budget.id, at: NOON }], end: [], open: [] });
  });

  test('is followed immediately by one for another service or environment', () => {
    const moved = { slo: slo('checkout-availability', 'search'), status: status({ spent: 2 }) };
    expect(planned({ current: [budget], objective: moved })).toMatchObject({
      end: [{ id: budget.id, settled: true }],
      open: [{ cause: 'budget', service: 'search' }],
    });
  });
});

describe('a burn rate freezes', () => {
  test.each<[string, Evaluated['status'], 'page' | 'ticket' | 'off', boolean]>([
    ['when it pages', status({ burning: [PAGE] }), 'page', true],
    ['but not when it opens a ticket', status({ burning: [TICKET] }), 'page', false],
    ['when it opens a ticket, if policy includes tickets', status({ burning: [TICKET] }), 'ticket', true],
    ['when it pages, if policy includes tickets', status({ burning: [PAGE] }), 'ticket', true],
    ['but not if policy turns it off', status({ burning: [PAGE] }), 'off', false],
  ])('%s', (_, found, slowest, freezes) => {
    const objective = { status: found, policy: policy({ burn: slowest }) };
    expect(opened({ objective })).toEqual(freezes ? ['burn'] : []);
  });

  test('by the highest factor, in words', () => {
    const objective = { status: status({ burning: [TICKET, PAGE] }), policy: policy({ burn: 'ticket' as const }) };
    expect(planned({ objective }).open[0]?.reason).toBe(
      'at 2026-11-20 12:00 UTC, the error budget of checkout-availability burned more than 14.4 times as fast as 99.9 % over 28 days allows, over 1h and 5m',
    );
  });

  test.each<[string, Partial<Evaluated>, string | undefined]>([
    ['and lifts when it has cooled', {}, 'the budget burns slowly enough'],
    [
      'and lifts when only what opens a ticket burns',
      { status: status({ burning: [TICKET] }) },
      'the budget burns slowly enough',
    ],
    ['and stays while it burns', { status: status({ burning: [PAGE] }) }, undefined],
    ['and stays without data', { status: status({ state: 'no_data' }) }, undefined],
    [
      'and stays while data are unreadable, even if its alerts have resolved',
      { status: status({ state: 'unreadable' }), alerting: false },
      undefined,
    ],
    [
      'and lifts by its alerts where nothing is evaluated',
      { status: null, alerting: false },
      'its burn alerts have resolved',
    ],
    ['and stays while one fires', { status: null, alerting: true }, undefined],
    ['and stays if no alert ever arrived', { status: null, alerting: null }, undefined],
    [
      'and lifts where burn rates freeze no more',
      { policy: policy({ burn: 'off' }) },
      'the policy no longer freezes for burn rates here (burn: off)',
    ],
  ])('%s', (_, objective, reason) => {
    expect(ended({ objective, current: [burn] })).toBe(reason);
  });

  test('and lasts for its minimum duration, including freezes by alerts', () => {
    const current = [{ ...burn, not_before: at(1) }];
    expect(ended({ current })).toBeUndefined();
    expect(ended({ current, objective: { status: null, alerting: false } })).toBeUndefined();
  });

  test.each<[string, More, boolean]>([
    ['at once where none is known to fire', { objective: { alerting: null } }, true],
    ['at once when they have resolved', { objective: { alerting: false } }, true],
    ['not while one fires', { objective: { alerting: true } }, false],
    ['while one fires after its minimum duration', { objective: { alerting: true }, at: at(9) }, true],
  ])('and, lifted by a person, is over by data %s', (_, more, settles) => {
    const current = [{ ...burn, ...lifted, not_before: at(9) }];
    const { settle } = planned({ ...more, current });
    expect(settle).toHaveLength(settles ? 1 : 0);
  });

  test.each<[Severity, 'page' | 'ticket' | 'off', boolean]>([
    ['critical', 'page', true],
    ['warning', 'page', false],
    ['warning', 'ticket', true],
    ['info', 'ticket', false],
    ['critical', 'off', false],
  ])('by an alert that is %s, with the slowest severity %s: %s', (severity, slowest, freezes) => {
    const alert = { severity, title: 'CheckoutBurns', by: 'alertmanager' };
    const record = burnFreezeByAlert(slo(), alert, policy({ burn: slowest }), NOON, hash);
    expect(record === null).toBe(!freezes);
    if (record === null) return;
    expect(Freeze.parse(record)).toMatchObject({ cause: 'burn', not_before: at(15), opened_by: 'alertmanager' });
    expect(record.reason).toContain('"CheckoutBurns"');
  });

  test('once, whether the alert or the evaluation comes first', () => {
    const byAlert = burnFreezeByAlert(
      slo(),
      { severity: 'critical', title: 'x', by: 'grafana' },
      policy(),
      at(-1),
      hash,
    );
    const byEvaluation = burnFreeze(slo(), PAGE, status(), policy(), NOON, hash);
    if (byAlert === null) throw new Error('it freezes');
    expect(causeKey(byAlert)).toBe(causeKey(byEvaluation));
    expect(causeKey(byAlert)).not.toBe(causeKey(budgetFreeze(slo(), status(), policy(), NOON, hash)));
    expect(opened({ objective: { status: status({ burning: [PAGE] }) }, current: [byAlert] })).toEqual([]);
  });
});

describe('an incident', () => {
  const open = {
    id: INCIDENT,
    number: 7,
    ...serviceEnvironment(),
    title: 'HTTP 500s',
    severity: 'critical' as const,
    status: 'open' as const,
    opened_at: at(-5),
  };
  const rules = policy({ incidents: 'critical' });
  const record = incidentFreeze(open, rules, hash);
  if (record === null) throw new Error('it freezes');
  const current = [record];

  test('that is critical freezes if the policy says so', () => {
    expect(planned({ incidents: [{ incident: open, policy: rules }] }).open).toEqual([record]);
    expect(record.reason).toBe('a critical incident opened at 2026-11-20 11:55 UTC: HTTP 500s (INC-7)');
    expect(opened({ incidents: [{ incident: open, policy: policy() }] })).toEqual([]);
    const warning = { ...open, severity: 'warning' as const };
    expect(opened({ incidents: [{ incident: warning, policy: rules }] })).toEqual([]);
    expect(opened({ incidents: [{ incident: warning, policy: policy({ incidents: 'warning' }) }] })).toEqual([
      'incident',
    ]);
    expect(opened({ incidents: [{ incident: { ...open, status: 'resolved' }, policy: rules }] })).toEqual([]);
  });

  test.each<[string, FreezePlanInputs['incidents'], string | undefined]>([
    ['freezes while it is open', [{ incident: open, policy: rules }], undefined],
    ['and while it is mitigated', [{ incident: { ...open, status: 'mitigated' }, policy: rules }], undefined],
    ['until it is resolved', [], 'the incident is resolved'],
    [
      'or is less severe',
      [{ incident: { ...open, severity: 'info' }, policy: rules }],
      'the severity of the incident is now info, for which the policy does not freeze',
    ],
    [
      'or policy has changed',
      [{ incident: open, policy: policy() }],
      'the policy no longer freezes for incidents here (incidents: off)',
    ],
    ['but not because it cannot be read', null, undefined],
  ])('%s', (_, incidents, reason) => {
    expect(ended({ incidents, current })).toBe(reason);
  });
});

describe('the calendar', () => {
  const calendar = (until: string, more = {}) =>
    calendarAt(
      FreezeFile.parse({
        calendar: [{ name: 'audit', services: 'checkout', from: '2026-11-20T11:00Z', until, ...more }],
      }).calendar,
      NOON,
    );
  const [record] = planned({ calendar: calendar('2026-11-20T13:00Z') }).open;
  if (record === undefined) throw new Error('it freezes');
  const current = [record];

  test('is recorded', () => {
    expect(Freeze.parse(record)).toMatchObject({
      cause: 'calendar',
      calendar: 'audit',
      starts_at: at(-60),
      until: at(60),
    });
    const unchanged = { end: [], settle: [], revise: [], open: [] };
    expect(planned({ calendar: calendar('2026-11-20T13:00Z'), current })).toEqual(unchanged);
    expect(planned({ calendar: calendarAt([], NOON) })).toEqual(unchanged);
  });

  test('is not recorded before its start', () => {
    expect(planned({ calendar: calendar('2026-11-20T13:00Z', { from: '2026-11-20T12:00:01Z' }) }).open).toEqual([]);
  });

  test('is revised if it is edited while in force', () => {
    expect(planned({ calendar: calendar('2026-11-20T14:00Z', { reason: 'later' }), current })).toEqual({
      end: [],
      settle: [],
      revise: [
        {
          id: record.id,
          reason: 'later (calendar, "audit")',
          ends_when: 'the calendar entry ends at 2026-11-20 14:00 UTC',
          until: at(120),
        },
      ],
      open: [],
    });
  });

  test('ends as planned', () => {
    const past = [{ ...record, until: at(-1) }];
    expect(planned({ current: past }).end).toEqual([
      { id: record.id, at: at(-1), by: 'calendar', reason: 'its planned end, 2026-11-20 11:59 UTC', settled: true },
    ]);
  });

  test('ends if its entry is removed', () => {
    expect(ended({ current })).toBe('its calendar entry "audit" was changed or removed');
  });

  test('that a person lifted stays lifted until its planned end', () => {
    const done = [{ ...record, ...lifted }];
    const held = calendar('2026-11-20T13:00Z');
    expect(planned({ calendar: held, current: done })).toEqual({ end: [], settle: [], revise: [], open: [] });
    expect(planned({ current: done })).toMatchObject({ settle: [{ id: record.id }], open: [] });
  });

  test('is in force again if it returns under the same ID', () => {
    const again = { ...record, ended_at: at(-1), ended_by: 'evaluation', settled_at: at(-1) };
    expect(revisionOf(again, record)?.id).toBe(record.id);
    expect(revisionOf({ ...record, ...lifted, settled_at: at(-1) }, record)?.id).toBe(record.id);
    expect(revisionOf({ ...record, ...lifted }, record)).toBeUndefined();
    expect(revisionOf(record, record)).toBeUndefined();
    expect(revisionOf(undefined, record)).toBeUndefined();
  });
});

describe('a freeze opened by a person', () => {
  test('ends as planned, and not otherwise', () => {
    expect(ended({ current: [freeze('person')] })).toBeUndefined();
    expect(planned({ current: [freeze('person', { until: NOON })] }).end).toMatchObject([
      { at: NOON, by: 'evaluation' },
    ]);
    expect(planned({ current: [freeze('person', { starts_at: at(5), until: at(9) })] }).end).toEqual([]);
  });
});

test('every freeze describes its objective', () => {
  const named = { ...slo(), displayName: 'Checkout availability', target: 0.9995 };
  const reasonOf = (window: ReturnType<typeof slo>['window']): string =>
    budgetFreeze({ ...named, window }, status({ spent: 1 }), policy(), NOON, hash).reason;
  expect(reasonOf({ kind: 'rolling', seconds: 90_060 })).toBe(
    'at 2026-11-20 12:00 UTC, the error budget of Checkout availability (checkout-availability) was spent: 100 % of what 99.95 % over 1 day, 1 hour and 1 minute allows',
  );
  const calendar = { kind: 'calendar', timeZone: 'UTC', start: '2026-01-01T00:00:00' } as const;
  expect(reasonOf({ ...calendar, unit: 'month', count: 1 })).toContain('over a calendar month allows');
  expect(reasonOf({ ...calendar, unit: 'week', count: 2 })).toContain('over 2 calendar weeks allows');
});
