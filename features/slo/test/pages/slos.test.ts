import { expect, test } from 'vitest';
import { type Slos, slosMain } from '../../pages/slos.ts';
import type { SloView } from '../../schemas/slo-view.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { consoleWorld } from '../../../../test/support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../../../test/support/hostile.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;

const slo = (more: Partial<SloView> = {}): SloView =>
  ({
    id: 'availability',
    name: hostile('objective'),
    service: hostile('service'),
    environment: hostile('environment'),
    objective: 0.9995,
    window: { text: '28 days' },
    budget_remaining: 0.42,
    events: 1000,
    errors: 3,
    corrected: null,
    burn_rates: { '1h': 14.44, '5m': null },
    burning: [
      { severity: 'page', long: '1h', short: '5m', factor: 14.4 },
      { severity: 'ticket', long: '3d', short: '6h', factor: 1 },
    ],
    forecast: { spent_at: '2026-11-20T15:00:00.000Z', freezes_at: '2026-11-20T14:00:00.000Z', lifts_at: null },
    state: 'ok',
    problem: hostile('problem'),
    stale: true,
    data_at: '2026-11-20T11:30:00.000Z',
    ...more,
  }) as unknown as SloView;

const page = async (more: Partial<Slos> = {}): Promise<string> =>
  String(
    await slosMain({
      at: AT,
      text: hostile('filter'),
      items: [slo()],
      matching: 1,
      next: 100,
      isEmpty: false,
      ...more,
    }),
  );

test('hostile texts are shown as text', async () => {
  expectHarmless(await page(), 4);
});

test('budget, burn rates, and forecast are words and numbers', async () => {
  const text = textOf(await page());
  for (const words of [
    '99.95 % over 28 days',
    '42 %',
    '3 errors of 1,000',
    '1h 14.4×',
    'page: at least 14.4× over 1h ticket: at least 1× over 3d',
    'spent in 3 h, at the rate of the last hour',
    'freezes deploys in 2 h',
    'too old',
  ])
    expect(text).toContain(words);
  expect(textOf(await page({ items: [slo({ budget_remaining: -0.2 })] }))).toContain('overspent by 20 %');
});

test.each([
  ['2026-11-20T13:00:00.000Z', true],
  [AT, false], // has enough left already, so that whatever freezes deploys now has another cause
])('the budget allows deploys again from %s: shown %s', async (lifts_at, isShown) => {
  const forecast = { spent_at: null, freezes_at: null, lifts_at, lifts_at_present_burn: null };
  const text = textOf(await page({ items: [slo({ forecast } as Partial<SloView>)] }));
  expect(text.includes('budget allows deploys again')).toBe(isShown);
});

test('says how an objective gets there, and what matches a search', async () => {
  expect(textOf(await page({ isEmpty: true }))).toMatch(/Describe one in config\/slos/);
  expect(textOf(await page({ items: [], text: 'nowhere' }))).toMatch(/No objective matches “nowhere”/);
});

test('is read by viewers, and not without slos:read', async () => {
  const { get, tokens } = consoleWorld();
  expect(await (await get('/console/slos', { token: 'vera' })).text()).toContain('No objective is configured');
  const vera = tokens.get('vera');
  if (vera !== undefined) tokens.set('vera', { ...vera, actions: ['incidents:read'] });
  expect((await get('/console/slos', { token: 'vera' })).status).toBe(403);
  expect(await (await get('/console', { token: 'vera' })).text()).not.toContain('"/console/slos"');
});
