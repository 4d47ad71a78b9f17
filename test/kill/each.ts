import { describe, expect, test } from 'vitest';
import type { Story } from '../support/scenario.ts';
import { type Death, sampleOf } from './boundaries.ts';
import { type Course, playKilledAt } from './run.ts';
import { playRunbookKilledAt } from './runbook.ts';
import { playShown } from './shown.ts';

/** Milliseconds; long enough for two starts on a machine that is busy with other tests. */
const TIMEOUT_MS = 90_000;

/** Milliseconds; includes two waits of 75 seconds, after which an effect that can't be found is repeated. */
const SHOWN_TIMEOUT_MS = 300_000;

/**
 * Minimum share of boundaries to reach. Chance decides about order and batching, so a run may miss boundaries of
 * another one.
 */
const MOST = 0.8;

/**
 * Returns how many of `count` must be reached: two standard deviations below the share, since a small sample can be
 * unlucky.
 */
const leastOf = (count: number, share: number): number =>
  Math.max(1, Math.floor(count * share - 2 * Math.sqrt(count * share * (1 - share))));

/**
 * Returns all boundaries, or a part of them: the share FIREBREAK_KILL_SHARE (0 to 1), chosen by FIREBREAK_KILL_SEED.
 * Use another seed for each change, so that all are covered over time.
 */
function someOf(boundaries: readonly string[]): readonly string[] {
  const share = Number(process.env['FIREBREAK_KILL_SHARE'] ?? 1);
  return share >= 1
    ? boundaries
    : sampleOf(boundaries, Math.ceil(boundaries.length * share), process.env['FIREBREAK_KILL_SEED'] ?? '1');
}

type Kill = { story: string; at: string; play: () => Promise<Course> };

/**
 * Defines a test for each boundary that kills with `kill -9` there, or at several boundaries separated by `;`, one in
 * each life.
 *
 * If FIREBREAK_KILL_AT is set, only that one runs: `FIREBREAK_KILL_AT='inside CD roll-back #1' npm run test:kill --
 * act`.
 */
export function killAtEach(boundaries: readonly string[], story: Story, mustBeReached = MOST): void {
  const chosen = process.env['FIREBREAK_KILL_AT'];
  const kills = (chosen ? [chosen] : someOf(boundaries)).map((boundary) => {
    const lives = boundary.split(';').map((one) => one.trim());
    return { story, at: boundary, play: () => playKilledAt(lives, story) };
  });
  const reached = new Set<Kill>();
  for (const kill of kills) testOf(kill, reached, TIMEOUT_MS);
  testOfThese(kills, reached, mustBeReached);
}

/** Defines a test for each boundary that kills with `kill -9` there, in the story of a runbook. */
export function killInRunbook(boundaries: readonly string[]): void {
  const chosen = process.env['FIREBREAK_KILL_AT'];
  const kills = (chosen ? [chosen] : someOf(boundaries)).map((at) => ({
    story: 'runbook',
    at,
    play: () => playRunbookKilledAt([at]),
  }));
  const reached = new Set<Kill>();
  for (const kill of kills) testOf(kill, reached, TIMEOUT_MS);
  testOfThese(kills, reached, MOST);
}

/**
 * Defines a test for each death. They run in parallel, because they mostly wait. FIREBREAK_KILL_AT selects one of them.
 */
export function killWhereShown(deaths: readonly Death[]): void {
  const chosen = process.env['FIREBREAK_KILL_AT'];
  const kills = deaths
    .map((death) => ({ story: 'shown', at: `${death.at}, dead for ${death.deadFor} s`, play: () => playShown(death) }))
    .filter(({ at }) => chosen === undefined || at === chosen);
  const reached = new Set<Kill>();
  describe.concurrent('each', () => {
    for (const kill of kills) testOf(kill, reached, SHOWN_TIMEOUT_MS);
  });
  testOfThese(kills, reached, MOST);
}

function testOf(kill: Kill, reached: Set<Kill>, timeout: number): void {
  test(`${kill.story}: killed ${kill.at}`, { timeout }, async () => {
    if ((await kill.play()).reached > 0) reached.add(kill);
  });
}

function testOfThese(kills: readonly Kill[], reached: ReadonlySet<Kill>, share: number): void {
  test('enough boundaries were reached', () => {
    const missed = kills.filter((kill) => !reached.has(kill)).map(({ at }) => at);
    expect(reached.size, `not reached: ${missed.join('; ')}`).toBeGreaterThanOrEqual(leastOf(kills.length, share));
  });
}
