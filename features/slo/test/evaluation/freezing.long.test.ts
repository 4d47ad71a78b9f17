import { expect, test } from 'vitest';
import { decide } from '../../../freeze/decisions/decide.ts';
import { inputs } from '../../../freeze/test/decisions/builders.ts';
import { availability, HOUR, MINUTE, NOON, SloWorld } from './world.ts';

/** Requests per second. */
const PER_SECOND = 10;

test.each([4, 10, 35])('after an outage of %i minutes, the verdict changes at the predicted time', async (minutes) => {
  const world = await SloWorld.open(availability());
  const outage = { from: NOON, until: NOON + minutes * MINUTE };
  world.requests(PER_SECOND, outage);
  const evaluator = world.evaluator();
  world.at(NOON - MINUTE);
  const said: { at: number; next: number }[] = [];
  while (world.now < outage.until + HOUR) {
    await world.evaluateUntil(world.now + MINUTE, MINUTE, evaluator);
    if ((await world.frozenBy()).length === 0) {
      if (said.length > 0) break;
      continue;
    }
    const at = world.stores.clock.now();
    const freezes = await world.freezes();
    const { allowed, next_transition_at: next } = decide(
      inputs({ at, evaluatedAt: at, freezes, slos: [await world.status()] }),
    );
    expect(allowed).toBe(false);
    said.push({ at: world.now, next: Date.parse(next ?? '') });
  }
  expect(said.length).toBeGreaterThan(5);
  expect(said.every(({ at, next }) => next > at)).toBe(true);
  // Until the last bucket closes, its errors are assumed to be evenly distributed.
  const quiet = said.filter(({ at }) => at >= outage.until + 10 * MINUTE);
  expect(quiet.map(({ next }) => Math.abs(next - world.now) <= MINUTE)).toEqual(quiet.map(() => true));
});
