import { describe, expect, test } from 'vitest';
import type { Story } from '../support/scenario.ts';
import { type Death, sampleOf } from './boundaries.ts';
import { type Course, playKilledAt } from './run.ts';
import { playRunbookKilledAt } from './runbook.ts';
import { playShown } from './shown.ts';

/** Long enough for two starts on a machine that is busy with other tests. Milliseconds. */
const TIMEOUT_MS = 90_000;

/** And for two of the 75 seconds after which an attempt that nobody can find is repeated. */
const SHOWN_TIMEOUT_MS = 300_000;

/** Chance decides what travels together and what comes first, so a run may pass by a boundary that another one had. */
const MOST = 0.8;

/** How many of `count` have to be reached, so that a small choice from a list may be an unlucky one: by two deviations. */
const leastOf = (count: number, share: number): number =>
  Math.max(1, Math.floor(count * share - 2 * Math.sqrt(count * share * (1 - share))));

/**
 * All, or where FIREBREAK_KILL_SHARE says so (0 to 1) a part of them that FIREBREAK_KILL_SEED chooses: with another seed
 * for each change, all of them have their turn.
 */
function someOf(boundaries: readonly string[]): readonly string[] {
  const share = Number(process.env['FIREBREAK_KILL_SHARE'] ?? 1);
  return share >= 1
    ? boundaries
    : sampleOf(boundaries, Math.ceil(boundaries.length * share), process.env['FIREBREAK_KILL_SEED'] ?? '1');
}

type Kill = { story: string; at: string; play: () => Promise<Course> };

/**
 * A test for each: `kill -9` there, or at a row of boundaries, one in each life, set apart by `;`.
 *
 * With FIREBREAK_KILL_AT set only that is played: `FIREBREAK_KILL_AT='inside CD roll-back #1' npm run test:kill -- act`.
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

/** A test for each: `kill -9` there, in the story of a runbook. */
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

/** A test for each, several at a time: most of the time they wait. FIREBREAK_KILL_AT names the one to be played. */
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
  test('enough of them were reached', () => {
    const missed = kills.filter((kill) => !reached.has(kill)).map(({ at }) => at);
    expect(reached.size, `not reached: ${missed.join('; ')}`).toBeGreaterThanOrEqual(leastOf(kills.length, share));
  });
}
