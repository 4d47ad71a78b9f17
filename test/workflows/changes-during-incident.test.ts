import { expect, test } from 'vitest';
import { shownToResponders } from '../support/shown-texts.ts';
import { all, answersWhatWaits, deploys, ends, fires, mode, type Moment, play, theIncident } from './play.ts';
import { latePaths, measures, recordsLate } from './stories/late-changes.ts';

/** Plays a story. Returns what was said about decisions and changes, and the kinds and states of all decisions. */
async function told(name: string) {
  const path = latePaths[name];
  if (path === undefined) throw new Error(`no story ${name}`);
  const { world } = await play(path);
  const { timeline, decisions } = world.store.dossier(theIncident(world));
  return {
    said: timeline.flatMap(({ kind, at, text }) =>
      /^(?:change\.|decision\.(?:withdrawn|contradicted))/.test(kind) ? [`${at.slice(11, 16)} ${text}`] : [],
    ),
    decided: [...decisions.values()].map(
      ({ view: { kind, state, because, from_version: from } }) => `${kind} ${from ?? '-'} (${because}), ${state}`,
    ),
  };
}

test('a rollout that is cancelled during the incident is not asked about any more', async () => {
  expect(await told('rollout-is-cancelled')).toEqual({
    said: [
      '12:02 Question withdrawn: Deploy v2 was cancelled 2 min after the alert; the incident is judged again',
      '12:02 Deploy v2 was cancelled 2 min after the alert; judged again',
    ],
    decided: ['approve v2 (mode_approve), withdrawn', 'none - (no_confident_suspect), final'],
  });
});

test('a rollout that finishes during the incident keeps its approval request', async () => {
  expect(await told('rollout-that-finished-keeps-the-approval-request')).toEqual({
    said: [],
    decided: ['approve v2 (mode_approve), approved'],
  });
});

test('a rollout whose errors were not measured at first is judged again at its end', async () => {
  expect(await told('rollout-is-suspected-once-it-is-measured')).toEqual({
    said: ['12:06 Deploy v2 finished 6 min after the alert; judged again'],
    decided: ['none v2 (no_confident_suspect), final', 'roll_back v2 (suspect), final'],
  });
});

test('a deploy during the incident is asked about once errors are measured to have doubled since', async () => {
  expect(await told('deploy-during-the-incident-makes-it-worse')).toEqual({
    said: ['12:27 Deploy v3 began 20 min after the alert; judged again'],
    decided: ['none - (no_confident_suspect), final', 'approve v3 (risen_again), approved'],
  });
});

test('a deploy that is recorded after another version was rolled back, and leads then, contradicts the rollback', async () => {
  expect(await told('late-deploy-contradicts-a-rollback')).toEqual({
    said: [
      '12:03 Deploy v3 was recorded 3 min after the alert; not judged again, because the incident is mitigated',
      '12:03 In doubt: the rollback of v2. Deploy v3 was recorded only after the decision, and is the more probable cause (confidence 0.8; v2 0.09)',
    ],
    decided: ['roll_back v2 (suspect), final'],
  });
});

test('the next run of the workflow continues the looks of the previous one', async () => {
  expect(await told('looks-are-continued-by-the-next-run')).toEqual({
    said: ['12:27 Deploy v3 began 20 min after the alert; judged again'],
    decided: ['none - (no_confident_suspect), final', 'approve v3 (risen_again), approved'],
  });
});

test('a slow leak is asked about with the deploy with which it began, also where timing suffices to act', async () => {
  expect(await told('slow-leak-names-the-deploy-with-which-it-began')).toEqual({
    said: [],
    decided: ['approve v2 (onset_old), approved'],
  });
});

test('a newer deploy withdraws the approval request, and is asked about with the suspect if it does not help', async () => {
  expect(await told('newer-deploy-does-not-help')).toEqual({
    said: [
      '12:03 Question withdrawn: Deploy v3 began 3 min after the alert; the incident is judged again',
      '12:03 Deploy v3 began 3 min after the alert; judged again',
      '12:17 Deploy v3 began 3 min after the alert; judged again',
    ],
    decided: [
      'approve v2 (not_proved), withdrawn',
      'suggest v2 (superseded), final',
      'approve v3 (superseded), approved',
    ],
  });
});

/** Returns all orders of the items. */
const ordersOf = <T>(items: readonly T[]): T[][] =>
  items.length === 0
    ? [[]]
    : items.flatMap((first) => ordersOf(items.filter((one) => one !== first)).map((rest) => [first, ...rest]));

/** Minutes after noon at which the three events happen, in any order, before another alert leads to another look. */
const MINUTES = [0, 2, 4];
const HAPPENS: Readonly<Record<string, (minutes: number) => Moment>> = {
  'the alert': (minutes) => fires({ began: 60 * (minutes + 1) }),
  'the report of v3': (minutes) => recordsLate('v3', 7 + minutes),
  'the report of a flag': (minutes) => recordsLate('dark-mode', 25 + minutes, { kind: 'flag' }),
};

test.each(ordersOf(Object.keys(HAPPENS)))('the same change leads in the end: %s, %s, %s', async (...order) => {
  const moments = order.map((name, n) => [`${MINUTES[n]} min`, HAPPENS[name]?.(MINUTES[n] ?? 0)] as const);
  const other = { name: 'HighLatency' };
  const { world } = await play({
    given: [mode('suggest'), measures(4, { autoRollback: { mode: 'suggest', unknownMigration: 'act' } })],
    timeline: {
      ...(Object.fromEntries(moments) as Record<string, Moment>),
      '6 min': fires(other),
      '8 min': all(ends(), ends(other)),
    },
  });
  const { decisions, record } = world.store.dossier(theIncident(world));
  const newest = [...decisions.values()].at(-1)?.view;
  expect({ kind: newest?.kind, leads: record.suspects[0]?.version }).toEqual({ kind: 'suggest', leads: 'v3' });
});

test('an approval after which nothing was done says so in the console, in Slack, and in the CLI', async () => {
  const shown: string[] = [];
  await play({
    given: [mode('approve')],
    timeline: {
      '0 s': fires(),
      // Its report reaches the incident after the answer.
      '60 s': all(deploys('v3', 0.5), answersWhatWaits('approved')),
      '90 s': async (world) => shown.push(...Object.values(await shownToResponders(world, theIncident(world)))),
      '2 min': ends(),
    },
  });
  expect(shown).toHaveLength(3);
  for (const text of shown)
    expect(text).toMatch(
      /Not rolled back: v3 was deployed in the meantime, so v2 is no longer running\. Approved by .* before\./,
    );
});
