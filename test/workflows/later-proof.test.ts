import { expect, test } from 'vitest';
import { play, theIncident } from './play.ts';
import { proofPaths } from './stories/proof.ts';

/** Plays a story. Returns the decisions, and what was said about them, with seconds after noon. */
async function told(name: string) {
  const path = proofPaths[name];
  if (path === undefined) throw new Error(`no story ${name}`);
  const { world } = await play(path);
  const { timeline, decisions } = world.store.dossier(theIncident(world));
  return {
    said: timeline.flatMap(({ kind, at, text }) =>
      /^(?:decision|mitigation)\./.test(kind) ? [`${at.slice(11, 19)} ${kind}: ${text}`] : [],
    ),
    decided: [...decisions.values()].map(
      ({ view: { kind, state, because, from_version: from } }) => `${kind} ${from ?? '-'} (${because}), ${state}`,
    ),
  };
}

test('a version that is proved while its question waits is rolled back', async () => {
  expect(await told('proved-while-the-question-waits')).toMatchInlineSnapshot(`
    {
      "decided": [
        "approve v2 (not_proved), withdrawn",
        "roll_back v2 (suspect), final",
      ],
      "said": [
        "12:00:30 decision.withdrawn: Question withdrawn: v2 is proved now: v2 is at 0.4 (50 % of traffic), v1 at 0.001 (50 % of traffic), which explains the errors of all; the incident is judged again",
        "12:00:30 mitigation.succeeded: Rolled back to v1",
      ],
    }
  `);
});

test.for([
  ['approved-before-it-is-proved', 'approved'],
  ['rejected-before-it-is-proved', 'rejected'],
  ['the-other-version-fails-while-the-question-waits', 'withdrawn'],
] as const)('%s: there is one decision', async ([name, state]) => {
  expect((await told(name)).decided).toEqual([`approve v2 (not_proved), ${state}`]);
});
