import { expect, test } from 'vitest';
import { expectHarmless, hostile, textOf } from '../../../../test/support/hostile.ts';
import type { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Html } from '../../../../entrances/console/parts.ts';
import type { BurningSlo } from '../../actions/burning.ts';
import { burningPanel, servicePanel } from '../../pages/panels.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;

const BURNING = {
  id: 'slo',
  name: hostile('objective'),
  service: hostile<ServiceName>('slow'),
  environment: hostile<EnvironmentName>('environment'),
  budget_remaining: -0.2,
  corrected: null,
  burning: [{ severity: 'page', long: '1h', short: '5m', factor: 13.44 }],
  forecast: { spent_at: null },
  contradiction: { kind: 'shown_operational', components: [hostile('component')] },
} as unknown as BurningSlo;

const shown = async (markup: Html): Promise<string> => String(await markup);

test('texts from outside are shown as text', async () => {
  expectHarmless(await shown(burningPanel([BURNING], AT)), 4);
  expectHarmless(await shown(servicePanel([BURNING])), 2);
});

test('a burning objective shows its budget, its rate, and that the status page contradicts it', async () => {
  const text = textOf(await shown(burningPanel([BURNING], AT)));
  for (const words of ['overspent by 20 %', 'burns at least 13.4× too fast over 1h', 'and no incident is open'])
    expect(text).toContain(words);
});

test('a forecast counts what is certain, so that it is the latest time if the budget is unknown', async () => {
  const forecast = { spent_at: '2026-11-20T14:00:00.000Z' };
  const of = async (budget_remaining: number | null, spent_at_least = 0) =>
    textOf(await shown(burningPanel([{ ...BURNING, budget_remaining, spent_at_least, forecast } as BurningSlo], AT)));
  expect(await of(null)).toMatch(/budget unknown .* spent in 2 h at the latest/);
  expect(await of(null, 0.004)).toMatch(/budget unknown /);
  expect(await of(null, 1.2)).toMatch(/at least 120 % of the budget spent /);
  expect(await of(0.4)).toMatch(/spent in 2 h(?! at the latest)/);
});

test('without objectives, the panel of a service says so', async () => {
  expect(textOf(await shown(servicePanel([])))).toContain('No objective is configured.');
});
