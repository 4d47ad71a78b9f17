import { expect, test } from 'vitest';
import type { Story } from '../support/scenario.ts';
import { playKilledAt } from './run.ts';

/** Long enough for two starts on a machine that is busy with other tests. Milliseconds. */
const TIMEOUT_MS = 90_000;

/** Chance decides what travels together and what comes first, so a run may pass by a boundary that another one had. */
const MOST = 0.8;

/**
 * A test for each: `kill -9` there, or at a row of boundaries, one in each life, set apart by `;`.
 *
 * With FIREBREAK_KILL_AT set only that is played: `FIREBREAK_KILL_AT='inside CD roll-back #1' npm run test:kill -- act`.
 */
export function killAtEach(boundaries: readonly string[], story: Story, mustBeReached = MOST): void {
  const chosen = process.env['FIREBREAK_KILL_AT'];
  const played = chosen ? [chosen] : boundaries;
  const reached = new Set<string>();
  for (const boundary of played) {
    test(`${story}: killed ${boundary}`, { timeout: TIMEOUT_MS }, async () => {
      const course = await playKilledAt(
        boundary.split(';').map((one) => one.trim()),
        story,
      );
      if (course.reached > 0) reached.add(boundary);
    });
  }
  test(`${story}: enough of them were reached`, () => {
    const missed = played.filter((boundary) => !reached.has(boundary));
    expect(reached.size, `not reached: ${missed.join(', ')}`).toBeGreaterThanOrEqual(played.length * mustBeReached);
  });
}
