import { describe, expect, test } from 'vitest';
import { sloMain } from '../../pages/slo.ts';
import type { CorrectionsData } from '../../pages/corrections.ts';
import { SloCorrection } from '../../schemas/slo-correction.ts';
import type { SloPoint, SloView } from '../../schemas/slo-view.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { consoleWorld } from '../../../../test/support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../../../test/support/hostile.ts';
import { availability, HOUR, NOON, SloWorld } from '../evaluation/world.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;
const DAY = 86_400;

/** A budget that falls by 3 % a day, with an unknown day. */
const HISTORY: SloPoint[] = Array.from({ length: 28 }, (_, day) => ({
  at: day === 27 ? AT : plusSeconds('2026-10-25T00:00:00.000Z' as Timestamp, day * DAY),
  budget_remaining: day === 9 ? null : 1 - day * 0.03,
  events: 1000 + day,
  errors: day,
  coverage: 0.9996,
  uncorrected_budget_remaining: null,
  excluded: 0,
}));

const slo = (more: Partial<SloView> = {}): SloView => ({
  id: 'availability' as SloView['id'],
  name: hostile('objective'),
  description: hostile('description'),
  service: hostile('service') as SloView['service'],
  environment: hostile('environment') as SloView['environment'],
  objective: 0.999,
  window: {
    kind: 'rolling',
    days: 28,
    unit: null,
    count: null,
    time_zone: null,
    from: plusSeconds(AT, -28 * DAY),
    until: AT,
    text: '28 days',
  },
  budget_remaining: 0.19,
  spent_at_least: 0.8,
  coverage: 0.9876,
  events: 28_000,
  errors: 20,
  significant: true,
  corrected: null,
  state: 'ok',
  problem: null,
  burn_rates: { '5m': 16, '30m': null, '1h': 14.44, '2h': 9, '6h': 4, '1d': 2, '3d': 1.1 },
  burning: [{ severity: 'page', long: '1h', short: '5m', factor: 14.4 }],
  forecast: {
    spent_at: plusSeconds(AT, 2 * DAY),
    freezes_at: plusSeconds(AT, DAY),
    lifts_at: null,
    lifts_at_present_burn: null,
  },
  untouched: false,
  data_at: AT,
  evaluated_at: AT,
  stale: false,
  source: 'own',
  frozen_by: ['frz_1'],
  history: HISTORY,
  ...more,
});

const none: CorrectionsData = { all: [], hasMore: false, csrfToken: null };

const page = async (more: Partial<SloView> = {}, corrections: Partial<CorrectionsData> = {}): Promise<string> =>
  String(await sloMain(slo(more), { ...none, ...corrections }, AT));

test('hostile texts are shown as text', async () => {
  expectHarmless(await page(), 4);
});

test('budget, burn rates, forecast, and freezes are words and numbers', async () => {
  const text = textOf(await page());
  for (const words of [
    '99.9 % over 28 days',
    '19 %',
    '20 errors of 28,000',
    '98.7 % of the window',
    'page: at least 14.4×',
    '30m unknown',
    'spent in 2 d, at the rate of the last hour',
    'freezes deploys in 1 d',
    'deploys are frozen',
  ])
    expect(text.replaceAll(/\s+/g, ' ')).toContain(words);
});

test('a window of several alerts names each of them', async () => {
  const burning: SloView['burning'] = [
    { severity: 'page', long: '6h', short: '30m', factor: 5.6 },
    { severity: 'ticket', long: '3d', short: '6h', factor: 1 },
  ];
  expect(textOf(await page({ burning }))).toContain('page: at least 5.6× ticket: at least 1×');
});

test('the burn-down shows each day, a gap for an unknown one, the forecast, and its data as a table', async () => {
  const shown = await page();
  const pictures = shown.match(/<svg class="(?:wide|narrow)".*?<\/svg>/gs) ?? [];
  expect(pictures).toHaveLength(2);
  for (const picture of pictures) {
    const curve = /class="curve" d="([^"]*)"/.exec(picture)?.[1] ?? '';
    expect([curve.match(/[ML]/g)?.length, curve.match(/M/g)?.length]).toEqual([27, 2]);
    expect(/class="curve forecast" d="([^"]*)"/.exec(picture)?.[1]).toMatch(/^M[\d.]+,[\d.]+L[\d.]+,[\d.]+$/);
    expect(picture).toContain('class="mark forecast"');
    expect(picture).not.toContain('>120 %<');
  }
  expect(shown).toMatch(
    /aria-label="Error budget left of .* from 2026-10-25 00:00 to 2026-11-22 12:00 UTC: 27 samples between 19 % and 100 %, spent at 0 %\. now at 2026-11-20 12:00\./,
  );
  const rows = shown.match(/<th scope="row"/g)?.length ?? 0;
  expect(rows).toBe(HISTORY.length + Object.keys(slo().burn_rates).length);
  expect(textOf(shown)).toMatch(/2026-11-20 12:00\s*19 %\s*27\s*1027\s*99\.9 %/);
});

test('an overspent budget is below the line, and a window of a month ends with it', async () => {
  const overspent = HISTORY.map((point) => ({ ...point, budget_remaining: (point.budget_remaining ?? 1) - 1 }));
  const forecast = { ...slo().forecast, spent_at: null, freezes_at: null };
  const text = await page({ history: overspent, budget_remaining: -0.81, forecast });
  expect(text).toContain('between -81 % and 0 %, spent at 0 %');
  expect(text).not.toContain('curve forecast');
  const window = {
    ...slo().window,
    kind: 'calendar' as const,
    unit: 'month' as const,
    until: '2026-12-01T00:00:00.000Z' as Timestamp,
    text: '1 month',
  };
  expect(await page({ window, forecast })).toContain('to 2026-12-01 00:00 UTC');
});

test('says since when there is data', async () => {
  const says = /Prometheus has no data before 2026-10-3\d/;
  expect(textOf(await page())).not.toMatch(says);
  const young = HISTORY.map((point, n) => (n < 6 ? { ...point, budget_remaining: null, coverage: 0 } : point));
  expect(textOf(await page({ history: young }))).toMatch(says);
});

test('says so if nothing is known', async () => {
  const unknown = HISTORY.map((point) => ({ ...point, budget_remaining: null }));
  expect(textOf(await page({ history: unknown, burn_rates: {} as SloView['burn_rates'] }))).toMatch(
    /No burn rate is known yet.*Too little of the window is known/s,
  );
  const forecast = { spent_at: null, freezes_at: null, lifts_at: null, lifts_at_present_burn: null };
  expect(textOf(await page({ forecast }))).toMatch(/Forecast\s*not spent within the window/);
  expect(textOf(await page({ forecast, budget_remaining: null }))).toMatch(/Forecast\s*unknown/);
});

test('an unknown objective is not found', async () => {
  const { get } = consoleWorld();
  expect((await get('/console/slos/nothing', { token: 'vera' })).status).toBe(404);
});

describe('corrections', () => {
  const budget = {
    remaining: -1.976,
    spent_at_least: 2.976,
    coverage: 1,
    events: 28_000,
    errors: 90,
    significant: true,
  };
  const corrected: SloView['corrected'] = {
    count: 4,
    excluded_seconds: 7200,
    corrections: [
      {
        id: 'cor_1',
        category: 'load_test',
        reason: hostile('reason'),
        starts_at: plusSeconds(AT, -7200),
        ends_at: AT,
        rrule: 'FREQ=WEEKLY',
        created_by: hostile('person'),
      },
    ],
    uncorrected: { budget, burn_rates: slo().burn_rates },
  };
  const history = HISTORY.map((point) => ({ ...point, uncorrected_budget_remaining: -0.5, excluded: 0.25 }));

  test('are shown with both values, so that nothing is left out silently', async () => {
    const all = [
      recorded({ id: 'cor_1', rrule: 'FREQ=WEEKLY', time_zone: 'Europe/Berlin' }),
      recorded({
        id: 'cor_2',
        ended_at: AT,
        ended_by: hostile('ender'),
        end_reason: hostile('end'),
        rrule: 'FREQ=DAILY',
      }),
      recorded({ id: 'cor_3', withdrawn_at: AT, withdrawn_by: hostile('taker'), withdraw_reason: hostile('why') }),
    ];
    const data = { all, csrfToken: 'key', fields: new URLSearchParams({ reason: hostile('typed') }) };
    const html = await page({ corrected, history, burn_rates: { ...slo().burn_rates, '1h': 0.1 } }, data);
    expectHarmless(html, 14);
    const shown = textOf(html);
    expect(shown).toContain('-197.6 % without 4 corrections');
    expect(shown).toContain('Corrections exclude 2 hours of the window.');
    expect(shown).toContain('Without corrections, the budget left is -197.6 %.');
    expect(shown).toMatch(
      /load test .*2026-11-20 10:00 to 2026-11-20 12:00 \(UTC\), FREQ=WEEKLY in Europe\/Berlin, by /s,
    );
    expect(shown).toMatch(/Ended 2026-11-20 12:00 by .*Withdrawn 2026-11-20 12:00 by /s);
    // One that has ended cannot be ended again, and a withdrawn one has no form.
    expect([...html.matchAll(/id="do-((?:end|withdraw)-cor_\d)"/g)].map(([, name]) => name)).toEqual([
      'end-cor_1',
      'withdraw-cor_1',
      'withdraw-cor_2',
    ]);
    expect(await page({ corrected }, { all })).not.toContain('<form');
    expect(shown).toMatch(/1h\s*0.1×\s*14.44× without corrections/);
    expect(shown).toMatch(/-50 %\s*25 %/);
  });

  test('without one, the page says that every period counts', async () => {
    expect(textOf(await page({}))).toContain('Every period counts.');
    expect(await page({})).not.toMatch(/without corrections/i);
  });
});

/** A load test of the last two hours. */
const recorded = (more: object): SloCorrection =>
  SloCorrection.parse({
    id: 'cor_1',
    slo: 'availability',
    service: 'checkout',
    environment: 'production',
    category: 'load_test',
    reason: hostile('reason'),
    starts_at: plusSeconds(AT, -7200),
    ends_at: AT,
    rrule: null,
    time_zone: null,
    created_at: AT,
    created_by: hostile('person'),
    withdrawn_at: null,
    withdrawn_by: null,
    ...more,
  });

describe('the forms of corrections', () => {
  const PATH = '/console/slos/checkout-availability';
  const FIELDS = {
    category: 'load_test',
    reason: 'Rehearsal',
    starts_at: '2026-11-20T13:00',
    ends_at: '2026-11-20T15:00',
    time_zone: 'Europe/Berlin',
    rrule: '',
  };

  /** The console over the stores of an objective that two hours of errors have overspent. */
  async function open() {
    const slos = await SloWorld.open(availability());
    slos.requests(10, { from: NOON, until: NOON + 2 * HOUR });
    slos.at(NOON + 2 * HOUR);
    await slos.evaluate(slos.evaluator());
    const { config, freezeState } = slos.deps;
    const { clock } = slos.stores;
    const console = consoleWorld(() => ({ clock, config, freezeState, features: { slo: slos.deps } }));
    const signIn = async (token: string) => {
      const login = await console.post('/login', { token });
      const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const shown = await (await console.get(PATH, { cookie })).text();
      return { cookie, shown, form_key: /name="form_key" value="([^"]*)"/.exec(shown)?.[1] ?? '' };
    };
    const { cookie, form_key } = await signIn('grace');
    const send = async (action: string, fields: object, more: { cookie?: string } = {}) => {
      const sent = { form_key, ...fields };
      const response = await console.post(`${PATH}/actions/${action}`, sent, { cookie, ...more });
      return { status: response.status, text: await response.text() };
    };
    return { slos, signIn, send };
  }

  test('show both values before anything is recorded, record, end, and withdraw with a reason', async () => {
    const { slos, send } = await open();
    const preview = await send('preview', FIELDS);
    expect(preview.status).toBe(200);
    expect(textOf(preview.text).replaceAll(/\s+/g, ' ')).toMatch(
      /Preview, not recorded\. .*excludes 2 hours.*Budget left -197[.\d]* %100 %-197[.\d]* %/,
    );
    const active = () => slos.deps.sloCorrections.activeOf(availability().id);
    expect(await active()).toEqual([]);

    const hidden = Object.fromEntries(
      [...preview.text.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
        name,
        value,
      ]),
    );
    const { form_key, ...fields } = hidden;
    expect(fields).toEqual({ id: expect.stringMatching(/^cor_/), ...FIELDS });
    expect((await send('preview', { ...fields, form_key })).status).toBe(200);
    // A double click, or the form of the page before, records no second correction.
    const both = await Promise.all([send('record', fields), send('record', fields)]);
    expect([...both, await send('record', fields)].map(({ status }) => status)).toEqual([303, 303, 303]);
    const other = await send('record', { ...fields, reason: 'Another test' });
    expect([other.status, textOf(other.text)]).toEqual([409, expect.stringContaining('with other values')]);
    expect(await active()).toHaveLength(1);
    const [one] = await active();
    expect(one).toMatchObject({
      starts_at: '2026-11-20T12:00:00.000Z',
      created_by: 'grace',
      rrule: null,
      time_zone: null,
    });

    const daily = { ...FIELDS, rrule: 'FREQ=DAILY', starts_at: '2026-11-19T13:00', ends_at: '2026-11-19T14:00' };
    expect((await send('record', daily)).status).toBe(303);
    const recurring = (await active()).find(({ rrule }) => rrule !== null);
    expect((await send('end', { id: recurring?.id })).text).toContain('reason: ');
    expect((await send('end', { id: recurring?.id, reason: 'Over' })).status).toBe(303);
    expect((await send('withdraw', { id: one?.id, reason: 'Wrong day' })).status).toBe(303);
    expect(await active()).toMatchObject([{ id: recurring?.id, end_reason: 'Over', ended_by: 'grace' }]);
    expect(textOf((await send('record', fields)).text)).toContain('and then withdrawn');
  });

  test('keep what was typed after a refusal, and need the key of the session and the permission', async () => {
    const { slos, send, signIn } = await open();
    for (const [wrong, says] of [
      [{ ends_at: '2026-11-20T12:00' }, 'is not after the start'],
      [{ time_zone: 'Mars/Base' }, 'unknown time zone'],
      [{ rrule: 'FREQ=HOURLY' }, 'invalid value'],
      [{ starts_at: '2026-02-30T12:00' }, 'no such date'],
      [{ reason: ' ' }, 'Reason: Fill in this field.'],
    ] as const) {
      const { status, text } = await send('preview', { ...FIELDS, ...wrong });
      expect([status, textOf(text)]).toEqual([422, expect.stringContaining(says)]);
      expect(text).toContain('value="2026-11-20T1');
    }
    expect((await send('record', { ...FIELDS, form_key: 'forged' })).status).toBe(403);
    const vera = await signIn('vera');
    expect((await send('record', { ...FIELDS, form_key: vera.form_key }, vera)).status).toBe(403);
    expect(vera.shown).not.toContain('act-correct');
    expect(await slos.deps.sloCorrections.activeOf(availability().id)).toEqual([]);
  });
});
