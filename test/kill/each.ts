import { afterAll, describe, expect, test, type TestContext } from 'vitest';
import type { ReleaseStory } from '../support/scenario/release.ts';
import type { Story } from '../support/scenario/scenario.ts';
import { type Death, sampleOf } from './boundaries.ts';
import { playReleaseKilledAt } from './release.ts';
import type { Course } from './lives.ts';
import { playKilledAt } from './run.ts';
import { playLookKilledAt } from './look.ts';
import { playRunbookKilledAt } from './runbook.ts';
import { playShown } from './shown.ts';

/** Milliseconds; long enough for two starts on a machine that is busy with other tests. */
const TIMEOUT_MS = 240_000;

/** Milliseconds; includes two waits of 75 seconds, after which an effect that can't be found is repeated. */
const SHOWN_TIMEOUT_MS = 300_000;

/**
 * Minimum share of boundaries to reach. Chance decides about order and batching, so a run may miss boundaries of
 * another one.
 */
const MOST = 0.8;

/** The number of kills of each story that are played even if there is no time left. */
const ALWAYS_PLAYED = 2;

/**
 * Returns how many of `count` must be reached: two standard deviations below the share, since a small sample can be
 * unlucky.
 */
const leastOf = (count: number, share: number): number =>
  Math.max(1, Math.floor(count * share - 2 * Math.sqrt(count * share * (1 - share))));

type Kill = { at: string; play: () => Promise<Course> };

/** The kills in one story. `mustBeReached` is the minimum share of them that must happen. */
export type Kills = { story: string; kills: readonly Kill[]; mustBeReached: number; timeoutMs: number };

/**
 * If FIREBREAK_KILL_AT is set, only that boundary is played: `FIREBREAK_KILL_AT='inside CD roll-back #1' npm run
 * test:long -- kills -t 'act:'`.
 */
const chosen = process.env['FIREBREAK_KILL_AT'] || undefined;

/** Kills at each boundary, or at several boundaries separated by `;`, one in each life. */
export function killsAtEach(story: string, boundaries: readonly string[], played: Story, mustBeReached = MOST): Kills {
  const mine = chosen === undefined ? boundaries : story === played ? [chosen] : [];
  const kills = mine.map((at) => {
    const lives = at.split(';').map((one) => one.trim());
    return { at, play: () => playKilledAt(lives, played) };
  });
  return { story, kills, mustBeReached, timeoutMs: TIMEOUT_MS };
}

/** Kills at each boundary in the story of a runbook. */
export function killsInRunbook(boundaries: readonly string[], mustBeReached = MOST): Kills {
  const kills = (chosen ? [chosen] : boundaries).map((at) => ({ at, play: () => playRunbookKilledAt([at]) }));
  return { story: 'runbook', kills, mustBeReached, timeoutMs: TIMEOUT_MS };
}

/** Kills at each boundary in the story of a controlled look. */
export function killsInLook(boundaries: readonly string[], mustBeReached = MOST): Kills {
  const kills = (chosen ? [chosen] : boundaries).map((at) => ({ at, play: () => playLookKilledAt([at]) }));
  return { story: 'look', kills, mustBeReached, timeoutMs: TIMEOUT_MS };
}

/** Kills at each boundary in the story of a canary or of a watched deploy. */
export function killsInRelease(played: ReleaseStory, boundaries: readonly string[]): Kills {
  const kills = (chosen ? [chosen] : boundaries).map((at) => ({ at, play: () => playReleaseKilledAt([at], played) }));
  return { story: played, kills, mustBeReached: MOST, timeoutMs: TIMEOUT_MS };
}

/** The deaths around calls that show an incident. FIREBREAK_KILL_AT selects one of them. */
export function killsWhereShown(deaths: readonly Death[]): Kills {
  const kills = deaths
    .map((death) => ({ at: `${death.at}, dead for ${death.deadFor} s`, play: () => playShown(death) }))
    .filter(({ at }) => chosen === undefined || at === chosen);
  return { story: 'shown', kills, mustBeReached: MOST, timeoutMs: SHOWN_TIMEOUT_MS };
}

/**
 * Defines a test for each kill (`kill -9`) of all stories, in an order that mixes the stories and that FIREBREAK_SEED
 * chooses, and a test that enough of them happened. The tests run in parallel, because they mostly wait.
 *
 * If FIREBREAK_KILL_SECONDS is set, kills that have not started after this time are skipped, except for the first
 * {@link ALWAYS_PLAYED} of each story.
 */
export function killInAll(stories: readonly Kills[]): void {
  const seconds = process.env['FIREBREAK_KILL_SECONDS'];
  const untilMs = seconds === undefined ? Infinity : Number(seconds) * 1000; // from the start of this process
  const { always, others } = inOrder(stories, process.env['FIREBREAK_SEED'] ?? '1');
  const course = { played: new Set<Kill>(), reached: new Set<Kill>() };
  describe.concurrent('each', () => {
    for (const { story, kill } of always) testOf(story, kill, course);
    for (const { story, kill } of others) testOf(story, kill, course, () => performance.now() < untilMs);
  });
  for (const story of stories) testOfThese(story, course);
  afterAll(() => {
    const counts = stories.map(({ story, kills }) => `${story} ${playedOf(kills, course.played)} of ${kills.length}`);
    console.log(`kills played: ${counts.join(', ')}`);
  });
}

const playedOf = (kills: readonly Kill[], played: ReadonlySet<Kill>): number =>
  kills.filter((kill) => played.has(kill)).length;

type Placed = { at: string; story: Kills; kill: Kill };

/** Orders each story's kills by the seed, and takes the first ones of each. All others are mixed, by the seed too. */
function inOrder(stories: readonly Kills[], seed: string): { always: Placed[]; others: Placed[] } {
  const ordered = stories.map((story) => {
    const byName = new Map(story.kills.map((kill) => [`${story.story}: ${kill.at}`, kill]));
    const names = sampleOf([...byName.keys()], byName.size, seed);
    return names.flatMap((at) => {
      const kill = byName.get(at);
      return kill === undefined ? [] : [{ at, story, kill }];
    });
  });
  const others = new Map(ordered.flatMap((placed) => placed.slice(ALWAYS_PLAYED)).map((one) => [one.at, one]));
  return {
    always: ordered.flatMap((placed) => placed.slice(0, ALWAYS_PLAYED)),
    others: sampleOf([...others.keys()], others.size, seed).flatMap((at) => others.get(at) ?? []),
  };
}

type Progress = { played: Set<Kill>; reached: Set<Kill> };

function testOf(of: Kills, kill: Kill, { played, reached }: Progress, isTimeLeft = () => true): void {
  test(`${of.story}: killed ${kill.at}`, { timeout: of.timeoutMs }, async ({ skip }: TestContext) => {
    if (!isTimeLeft()) skip('no time left');
    played.add(kill);
    if ((await kill.play()).reached > 0) reached.add(kill);
  });
}

function testOfThese({ story, kills, mustBeReached }: Kills, { played, reached }: Progress): void {
  test(`${story}: enough boundaries were reached`, ({ skip }) => {
    const begun = kills.filter((kill) => played.has(kill));
    if (begun.length === 0) skip('none was played'); // as chosen by a filter of names
    const missed = begun.filter((kill) => !reached.has(kill)).map(({ at }) => at);
    expect(begun.length - missed.length, `not reached: ${missed.join('; ')}`).toBeGreaterThanOrEqual(
      leastOf(begun.length, mustBeReached),
    );
  });
}
