import { expect, test } from 'vitest';
import { Config } from '../../../../schemas/config/config.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../../../test/core/arbitraries.ts';
import { objective } from '../../../../test/support/objective.ts';
import { dayName } from '../../actions/history.ts';
import { spentBudgets } from '../../actions/spent-budgets.ts';
import { dayOf, encodeDay } from '../../decisions/day.ts';
import { emptyHistory, indexOf, setBucket } from '../../decisions/history.ts';

const CHECKOUT = { service: 'checkout', environment: 'production' };
const at = (minutes: number): ReturnType<typeof plusSeconds> => plusSeconds(NOON, 60 * minutes);

/** Counts 1,000 requests in each five minutes of the day until 12:15, of which these failed. */
async function spent(errors: Record<number, number>, from: number, until: number) {
  const config: Config = { ...Config.parse({ version: 'test', services: {}, paging: {} }), slos: [objective()] };
  const [noon, end] = [Date.parse(NOON), Date.parse(at(15))];
  const history = emptyHistory(12 * 3600, end);
  for (let index = history.oldest; index < indexOf(end); index += 1)
    setBucket(history, index, { events: 1000, errors: errors[(index - indexOf(noon)) * 5] ?? 0 });
  const day = dayOf(indexOf(noon));
  const sloDays = {
    load: async () => new Map([[dayName(day), encodeDay(history, day)]]),
    save: async () => undefined,
  };
  const log = { warn: (text: string) => expect.unreachable(text) } as never;
  const [budget, ...more] = await spentBudgets({ sloDays, log }, config, CHECKOUT, {
    from: at(from),
    until: at(until),
  });
  expect(more).toEqual([]);
  return budget;
}

test('a short incident has the errors of the whole buckets that it touches, with their time', async () => {
  expect(await spent({ 0: 400 }, 1, 3)).toMatchObject({ from: at(0), until: at(5), events: 1000, errors: 400 });
  expect(await spent({ 0: 400, 5: 300 }, 4, 6)).toMatchObject({
    from: at(0),
    until: at(10),
    events: 2000,
    errors: 700,
  });
  const whole = await spent({ 0: 400 }, 0, 5);
  expect(whole).toMatchObject({ from: at(0), until: at(5), errors: 400 });
  expect((await spent({ 0: 400 }, 1, 3))?.share).toBe(whole?.share);
});

test('the period ends with the last count, and without counts there is no budget', async () => {
  expect(await spent({ 10: 400 }, 11, 40)).toMatchObject({ from: at(10), until: at(15), events: 1000, errors: 400 });
  expect(await spent({ 10: 400 }, 21, 22)).toBeUndefined();
});
