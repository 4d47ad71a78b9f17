import { expect, test } from 'vitest';
import { play, theIncident } from './play.ts';
import { latePaths } from './stories/late-changes.ts';

/** Plays a story. Returns what was said about decisions and changes, and the kinds and states of all decisions. */
async function told(name: string) {
  const path = latePaths[name];
  if (path === undefined) throw new Error(`no story ${name}`);
  const { world } = await play(path);
  const { timeline, decisions } = world.store.dossier(theIncident(world));
  return {
    said: timeline.flatMap(({ kind, at, text }) =>
      /^(?:change\.|decision\.rejected)/.test(kind) ? [`${at.slice(11, 16)} ${text}`] : [],
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
    decided: ['approve v2 (mode_approve), rejected', 'none - (no_confident_suspect), final'],
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

test('a newer deploy withdraws the approval request, and is asked about with the suspect if it does not help', async () => {
  expect(await told('newer-deploy-does-not-help')).toEqual({
    said: [
      '12:03 Question withdrawn: Deploy v3 began 3 min after the alert; the incident is judged again',
      '12:03 Deploy v3 began 3 min after the alert; judged again',
      '12:17 Deploy v3 began 3 min after the alert; judged again',
    ],
    decided: [
      'approve v2 (not_proved), rejected',
      'suggest v2 (superseded), final',
      'approve v3 (superseded), approved',
    ],
  });
});
