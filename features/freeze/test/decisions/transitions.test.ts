import { describe, expect, test } from 'vitest';
import { decide } from '../../decisions/decide.ts';
import type { BurnAlert } from '../../../../schemas/slo/slo-status.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { at, freeze, inputs, NOON, override, PAGE, status, TICKET, wholeText } from './builders.ts';

type InputOptions = NonNullable<Parameters<typeof inputs>[0]>;

const decided = (asked: InputOptions) => decide(inputs(asked));
const until = (clears_at: Timestamp, alert: BurnAlert = PAGE): BurnAlert => ({ ...alert, clears_at });
const burns = (clears_at: Timestamp) => [status({ burning: [until(clears_at)] })];

describe('a burn-rate freeze ends', () => {
  test.each<[string, InputOptions, Timestamp | null]>([
    ['when nothing burns any more', { freezes: [freeze('burn')], slos: burns(at(7)) }, at(7)],
    [
      'of several pairs with the last one that freezes by policy',
      {
        freezes: [freeze('burn')],
        slos: [status({ burning: [until(at(7)), until(at(20), { ...PAGE, long: '6h' }), until(at(300), TICKET)] })],
      },
      at(20),
    ],
    [
      'not before its minimum duration is over',
      { freezes: [freeze('burn', { not_before: at(10) })], slos: burns(at(7)) },
      at(10),
    ],
    ['not before the next evaluation', { freezes: [freeze('burn')], slos: burns(at(0.2)) }, at(1)],
    [
      'by one that is overdue: at its next turn',
      { freezes: [freeze('burn')], slos: burns(at(-1)), at: at(2.5) },
      at(3),
    ],
    [
      'when its alert has just arrived: not before its minimum duration',
      { freezes: [freeze('burn', { opened_at: at(0.5), not_before: at(15.5) })], at: at(0.6) },
      at(15.5),
    ],
    ['by no data that are stale', { freezes: [freeze('burn')], slos: burns(at(7)), at: at(11) }, null],
    ['by none that are unreadable', { freezes: [freeze('burn')], slos: [status({ state: 'unreadable' })] }, null],
    ['as an older evaluation did not tell', { freezes: [freeze('burn')], slos: [status({ burning: [PAGE] })] }, null],
  ])('%s', (_, asked, expected) => {
    expect(decided(asked).next_transition_at).toBe(expected);
  });

  test.each<[string, InputOptions, Timestamp | null, string]>([
    [
      'by data that were briefly unreadable: from the last known data',
      { freezes: [freeze('burn')], slos: [status({ state: 'unreadable', burning: [until(at(7))] })] },
      at(7),
      '; forecast: about 2026-11-20 12:07 UTC if nothing else fails',
    ],
    [
      'by unreadable data, after the forecast has passed: unknown',
      { freezes: [freeze('burn')], slos: [status({ state: 'unreadable', burning: [until(at(2))] })], at: at(3) },
      null,
      '',
    ],
    ['by stale data: unknown', { freezes: [freeze('burn')], slos: burns(at(20)), at: at(11) }, null, ''],
  ])('%s', (_, asked, expected, words) => {
    expect(decided(asked)).toMatchObject({
      next_transition_at: expected,
      clears_when: `when the budget of checkout-availability burns slowly enough${words}`,
    });
  });

  test('and the text agrees', () => {
    const asked: InputOptions = { freezes: [freeze('burn', { not_before: at(10) })], slos: burns(at(25)) };
    expect(decided(asked)).toMatchObject({
      next_transition_at: at(25),
      clears_when:
        'when the budget of checkout-availability burns slowly enough, not before 2026-11-20 12:10 UTC; forecast: about 2026-11-20 12:25 UTC if nothing else fails',
    });
  });
});

describe('when the budget will be spent', () => {
  const slos = [status({ spent: 0.8, forecast: { spent_at: at(30) }, burning: [until(at(40))] })];
  test.each<[string, InputOptions, Timestamp | null]>([
    ['changes the answer where nothing freezes', { slos }, at(30)],
    ['changes nothing while its burn freezes', { slos, freezes: [freeze('burn')] }, at(40)],
    ['does again after that freeze', { slos, freezes: [freeze('burn', { ended_at: at(-1) })] }, at(30)],
    ['does while a person freezes', { slos, freezes: [freeze('person', { until: at(50) })] }, at(30)],
    [
      'comes after the override of the freeze has expired',
      { slos, freezes: [freeze('burn', { overrides: [override({ expires_at: at(35) })] })] },
      at(35),
    ],
  ])('%s', (_, asked, expected) => {
    expect(decided(asked).next_transition_at).toBe(expected);
  });
});

describe('when the budget will reach the warn level', () => {
  const forecast = { warns_at: at(10), freezes_at: at(20), spent_at: at(30) };
  test.each<[string, InputOptions, Timestamp | null]>([
    ['changes the answer', { slos: [status({ spent: 0.5, forecast })] }, at(10)],
    [
      'is past where it warns already: freezing comes next',
      { slos: [status({ spent: 0.8, forecast: { ...forecast, warns_at: NOON } })] },
      at(20),
    ],
    ['is of no account where budgets freeze nothing', { slos: [status({ forecast })], policy: { budget: null } }, null],
    ['is not told by an older evaluation', { slos: [status({ forecast: { spent_at: at(30) } })] }, at(30)],
    ['is not in sight', { slos: [status({ forecast: { warns_at: null, freezes_at: null, spent_at: null } })] }, null],
  ])('%s', (_, asked, expected) => {
    expect(decided(asked).next_transition_at).toBe(expected);
  });
});

describe('the end of a budget freeze includes the burn rate that it covers', () => {
  const covering = (slowsAt: Timestamp, more: object = {}, not_before: Timestamp | null = null) =>
    decided({
      freezes: [freeze('budget', { not_before })],
      slos: [
        status({
          spent: 1.2,
          forecast: { lifts_at: at(60), lifts_at_present_burn: at(60) },
          burning: [until(slowsAt), until(at(300), TICKET)],
          ...more,
        }),
      ],
    });
  const spent = 'when less than 95 % of the budget of checkout-availability is spent';

  test.each<[string, Timestamp, Timestamp, string]>([
    ['over before', at(30), at(60), '; forecast: about 2026-11-20 13:00 UTC if nothing else fails'],
    [
      'over afterwards',
      at(90),
      at(90),
      ' and it burns slowly enough; forecast: about 2026-11-20 13:30 UTC if nothing else fails',
    ],
  ])('%s', (_, slowsAt, next_transition_at, words) => {
    expect(covering(slowsAt)).toMatchObject({ next_transition_at, clears_when: `${spent}${words}` });
  });

  test('the end is not foreseeable at the current burn rate, which keeps the service frozen', () => {
    const forecast = { lifts_at: at(60), lifts_at_present_burn: at(70) };
    expect(covering(at(90), { forecast }).clears_when).toBe(
      `${spent} and it burns slowly enough; forecast: about 2026-11-20 13:30 UTC if nothing else fails; at the current burn rate, not foreseeable`,
    );
    expect(covering(at(90), { forecast, burning: [] }).clears_when).toBe(
      `${spent}; forecast: about 2026-11-20 13:00 UTC if nothing else fails; at the current burn rate, about 2026-11-20 13:10 UTC`,
    );
  });

  test('also once the budget has recovered, before the minimum duration is over', () => {
    const recovered = { spent: 0.1, forecast: { lifts_at: NOON, lifts_at_present_burn: NOON } };
    expect(covering(at(90), recovered, at(10))).toMatchObject({
      next_transition_at: at(90),
      reasons: [{ code: 'budget_spent' }],
      clears_when: `${spent} and it burns slowly enough, not before 2026-11-20 12:10 UTC; forecast: about 2026-11-20 13:30 UTC if nothing else fails`,
    });
  });
});

test('text and time agree for a budget freeze, whether the budget could be read just now or not', () => {
  const asked = (more: object): InputOptions => ({
    freezes: [freeze('budget')],
    slos: [status({ spent: 1.2, forecast: { lifts_at: at(60), lifts_at_present_burn: at(60) }, ...more })],
  });
  const said = 'when less than 95 % of the budget of checkout-availability is spent';
  expect(decided(asked({ state: 'unreadable' }))).toMatchObject({
    next_transition_at: at(60),
    clears_when: `${said}; forecast: about 2026-11-20 13:00 UTC if nothing else fails`,
  });
  expect(decided(asked({ data_at: at(-30) }))).toMatchObject({ next_transition_at: null, clears_when: said });
  // No data could be read since the evaluation that opened it.
  const opened = { ...asked({ state: 'unreadable', data_at: at(-2) }), at: at(0.5) };
  expect(
    decided({ ...opened, freezes: [freeze('budget', { opened_at: at(-1), not_before: at(14) })] }).next_transition_at,
  ).toBe(at(60));
});

describe('when the budget will be below the warn level again', () => {
  const warned = (more: Parameters<typeof status>[0]): InputOptions => ({
    slos: [status({ spent: 0.8, forecast: { warning_ends_at: at(90) }, ...more })],
  });
  test.each<[string, InputOptions, Timestamp | null]>([
    ['the warning ends', warned({}), at(90)],
    ['comes after what freezes first', warned({ forecast: { warning_ends_at: at(90), freezes_at: at(20) } }), at(20)],
    ['there was none, if chance could bring so many errors', warned({ budget: { significant: false } }), null],
    ['is not forecast of data that are stale', { ...warned({}), at: at(11) }, null],
    ['is not told by an older evaluation', warned({ forecast: {} }), null],
    ['changes nothing while its budget freezes', { ...warned({ spent: 1.2 }), freezes: [freeze('budget')] }, null],
  ])('%s', (_, asked, expected) => {
    expect(decided(asked).next_transition_at).toBe(expected);
  });
});

describe('when unreadable data become stale', () => {
  const unread = (more: object = {}) => [status({ state: 'unreadable', problem: 'no answer', ...more })];
  const stale = plusSeconds(at(10), 1);
  test.each<[string, InputOptions, Timestamp | null]>([
    ['it is stale', { slos: unread() }, stale],
    [
      'it is so where that refuses, too',
      { slos: unread(), policy: { stale: { afterSeconds: 600, deploys: 'deny' } } },
      stale,
    ],
    ['it is so of no series, and of what cannot be understood', { slos: unread({ state: 'no_data' }) }, stale],
    ['is not in sight while it can be read', { slos: [status()] }, null],
    ['changes nothing where it is stale already', { slos: unread({ data_at: at(-11) }) }, null],
    ['is of no account where objectives have no say', { slos: unread(), policy: { budget: null, burn: 'off' } }, null],
    ['changes nothing while its budget freezes', { slos: unread({ spent: 1.2 }), freezes: [freeze('budget')] }, null],
    [
      'changes nothing while a person freezes',
      { slos: unread(), freezes: [freeze('person', { until: at(50) })] },
      at(50),
    ],
  ])('%s', (_, asked, expected) => {
    expect(decided(asked).next_transition_at).toBe(expected);
  });
});

describe('when the burn rate will have been high for long enough to freeze', () => {
  const forecast = { burns_at: { page: at(26), ticket: at(5) }, freezes_at: at(300) };
  const slos = [status({ forecast })];
  test.each<[string, InputOptions, Timestamp | null]>([
    ['changes the answer', { slos }, at(26)],
    ['of a slow burn, too, where that freezes', { slos, policy: { burn: 'ticket' } }, at(5)],
    ['is of no account where burning freezes nothing', { slos, policy: { burn: 'off' } }, at(300)],
    [
      'changes nothing while its budget freezes',
      { slos: [status({ spent: 1.2, forecast })], freezes: [freeze('budget')] },
      null,
    ],
  ])('%s', (_, asked, expected) => {
    expect(decided(asked).next_transition_at).toBe(expected);
  });
});

test('a budget that cannot be stated never lifts a freeze, regardless of the forecast', () => {
  const budget = { remaining: null, spent_at_least: 0.9, coverage: 0.5 };
  const of = (lifts_at: Timestamp) =>
    decided({ freezes: [freeze('budget')], slos: [status({ budget, forecast: { lifts_at } })] });
  expect(of(NOON).next_transition_at).toBeNull();
  expect(of(at(60)).next_transition_at).toBe(at(60));
});

describe('a freeze that an alert has just opened', () => {
  const opened = freeze('burn', {
    opened_at: at(0.5),
    starts_at: at(0.5),
    not_before: at(15.5),
    opened_by: 'alertmanager',
  });
  const first = (asked: InputOptions) => decided({ freezes: [opened], ...asked }).reasons[0];

  test('is explained by the alert rather than by older data', () => {
    const reason = first({ at: at(0.6), slos: [status()] });
    expect(reason?.code).toBe('burn_rate');
    expect(wholeText(reason)).toMatch(/^because of burn; freeze .* it ends when .* burns slowly enough, not before/);
  });

  test('is then explained by the numbers of the next evaluation', () => {
    const rates = { '5m': 31.47, '30m': 0, '1h': 20, '2h': 0, '6h': 0, '1d': 0, '3d': 0 };
    const reason = first({
      at: at(1.1),
      slos: [status({ data_at: at(1), burning: [until(at(9))], burn_rates: rates })],
    });
    expect(reason?.code).toBe('burn_rate');
    expect(wholeText(reason)).toMatch(
      /^because of burn; now 20 times as fast over the last 1h and 31\.4 times over the last 5m; /,
    );
  });

  test('stays for its minimum duration if that evaluation finds its cause over', () => {
    expect(first({ at: at(1.1), slos: [status({ data_at: at(1) })] })?.code).toBe('minimum_duration');
  });
});
