import { describe } from 'vitest';
import type { ReleaseStory } from '../../support/scenario/release.ts';
import {
  boundariesIn,
  boundariesOf,
  chanceOf,
  deathsWhereShown,
  ofLooks,
  ofReleases,
  sampleOf,
} from '../boundaries.ts';
import { killInAll, killsAtEach, killsInLook, killsInRelease, killsInRunbook, killsWhereShown } from '../each.ts';
import { playLookKilledAt } from '../look.ts';
import { playReleaseKilledAt } from '../release.ts';
import { playRunbookKilledAt } from '../runbook.ts';
import { playShown } from '../shown.ts';

const seed = process.env['FIREBREAK_SEED'] ?? '1';

/** Stories that are killed at random times. */
const MOMENTS = 12;

/** Milliseconds from the start of the program to the end of the story, on a fast machine. */
const LIFE_MS = 1200;

/** Stories that are killed twice. */
const SEQUENCES = 16;

/** Approximate number of calls in the second life until the story ends. */
const CALLS_OF_A_LIFE = 160;

/** Calls of runbook steps are always included. Of the other calls of a runbook, the seed chooses some. */
const RUNBOOK_CALLS = /(PATCH|POST) /;
const OTHERS_IN_RUNBOOK = 7;

function momentsOfALife(): string[] {
  const moments = Array.from({ length: MOMENTS }, (_, n) => Math.floor(chanceOf(`moment ${seed} ${n}`) * LIFE_MS));
  return moments.map((ms) => `at ${ms} ms ; at ${Math.floor((LIFE_MS - ms) / 2)} ms`);
}

const twice = (boundaries: readonly string[]): string[] =>
  sampleOf(boundaries, SEQUENCES, `twice ${seed}`).map((boundary) => {
    const nth = 1 + Math.floor(chanceOf(`${seed} then ${boundary}`) * CALLS_OF_A_LIFE);
    return `${boundary} ; ${chanceOf(`${seed} side ${boundary}`) < 0.5 ? 'before' : 'after'} call #${nth}`;
  });

function someOfRunbook(own: readonly string[]): string[] {
  const others = own.filter((boundary) => !RUNBOOK_CALLS.test(boundary));
  const chosen = sampleOf(others, OTHERS_IN_RUNBOOK, `runbook ${seed}`);
  return [...own.filter((boundary) => RUNBOOK_CALLS.test(boundary)), ...chosen];
}

/** In one file, so that the kills of all stories share the time that there is. */
describe(`kill -9 at every boundary; samples are chosen by FIREBREAK_SEED=${seed}`, async () => {
  const ofRelease = async (story: ReleaseStory) =>
    ofReleases(boundariesIn((await playReleaseKilledAt([], story)).passed));
  const [act, approve, runbook, shown] = await Promise.all([
    boundariesOf('act'),
    boundariesOf('approve'),
    playRunbookKilledAt([]).then(({ passed }) => boundariesIn(passed)),
    playShown(),
  ]);
  // After the others: more products at the same time would slow each other down beyond what their stories expect.
  const [canary, watch] = await Promise.all([ofRelease('canary'), ofRelease('watch')]);
  const look = ofLooks(boundariesIn((await playLookKilledAt([])).passed));
  const known = new Set(act);
  const own = (boundaries: readonly string[]) => boundaries.filter((boundary) => !known.has(boundary));
  killInAll([
    killsAtEach('act', act, 'act'),
    killsAtEach('approve', own(approve), 'approve'),
    killsAtEach('twice', twice(act), 'act'),
    killsAtEach('moments', momentsOfALife(), 'act', 0.5), // a faster machine ends the story before the later times
    killsInRunbook(someOfRunbook(own(runbook))),
    killsInLook(look),
    killsInRelease('canary', canary),
    killsInRelease('watch', watch),
    killsWhereShown(deathsWhereShown(shown.passed, seed)),
  ]);
});
