import { expect, test } from 'vitest';
import { WAITS_MAX } from '../../core/domain/rollback/wait.ts';
import { play, theIncident } from './play.ts';
import { waitPaths } from './stories/waits.ts';

/** Plays a story. Returns its decisions, and its timeline with the time of each entry. */
async function told(name: keyof typeof waitPaths) {
  const path = waitPaths[name];
  if (path === undefined) throw new Error(`no story ${name}`);
  const { world } = await play(path);
  const { decisions = [] } = (await world.deps.incidents.view(theIncident(world))) ?? {};
  return {
    decided: decisions.map(({ kind }) => kind),
    said: world.store
      .dossier(theIncident(world))
      .timeline.map(({ at, kind, text }) => `${at.slice(14, 19)} ${kind}: ${text}`),
  };
}

test('the timeline says that a decision waits, and why; the page of the alert does not wait', async () => {
  const { said } = await told('errors-end-while-a-decision-waits');
  expect(said.filter((line) => / (?:decision|page|mitigation|judged)[.a-z_]*:/.test(line))).toMatchInlineSnapshot(`
    [
      "00:00 page.succeeded: Paged: accepted",
      "00:00 decision: Firebreak judges again 60 seconds later, before it asks.
    Probable cause: v2 (70 %), because the health query went from 0.001 to 0.3 (300 times; healthy up to 0.01) 90 s after v2 began.
    Waits because errors have fallen by 70 % from their peak.",
      "01:00 decision: Firebreak judges again 60 seconds later, before it asks.
    Probable cause: v2 (70 %), because the health query went from 0.001 to 0.22 (220 times; healthy up to 0.01) 90 s after v2 began.
    Waits because errors have fallen by 91 % from their peak.",
      "02:00 decision: Look at checkout in production.
    Possible cause: v2 (24 %), because the health query went from 0.001 to 0.17 (170 times; healthy up to 0.01) 90 s after v2 began.
    Does not act because probably no change caused this: the most likely one, v2, has 24 %.",
      "02:00 mitigation.not_taken: No rollback; investigate by hand: probably no change caused this: the most likely one, v2, has 24 %",
    ]
  `);
});

test.each([
  ['errors-end-while-a-decision-waits', ['wait', 'wait', 'none']],
  ['errors-have-ended-after-waits', ['wait', 'wait', 'wait', 'wait', 'wait', 'none']],
  ['errors-stay-after-a-wait', ['wait', 'approve']],
  ['next-run-continues-a-wait', ['wait', 'approve']],
  ['rollback-is-requested-during-a-wait', ['wait', 'roll_back']],
  ['shadow-mode-waits-as-well', ['wait', 'wait', 'wait', 'wait', 'wait', 'none']],
  ['alerts-end-during-a-wait', ['wait']],
])('decisions of %s', async (name, decided) => {
  expect((await told(name)).decided).toEqual(decided);
});

test('after the last wait, a person is asked', async () => {
  const { decided } = await told('waits-are-bounded');
  expect(decided).toEqual([...Array.from({ length: WAITS_MAX }, () => 'wait'), 'approve']);
});
