import { describe, test } from 'vitest';
import { recordingOf } from '../actions/recordings.ts';
import { compare } from '../decisions/compare.ts';
import type { Outcome } from '../decisions/outcome.ts';
import { replay } from '../decisions/replay.ts';
import { RecordedIncident } from '../recording.ts';
import type { FakeWorld } from '../../../test/support/fake-deps.ts';
import { play } from '../../../test/workflows/play.ts';
import { externalPaths } from '../../../test/workflows/stories/external-pages.ts';
import { groupPaths } from '../../../test/workflows/stories/groups.ts';
import { guardPaths } from '../../../test/workflows/stories/guards.ts';
import { latePaths } from '../../../test/workflows/stories/late-changes.ts';
import { proofPaths } from '../../../test/workflows/stories/proof.ts';
import { paths } from '../../../test/workflows/stories/rollbacks.ts';
import { runbookPaths } from '../../../test/workflows/stories/runbooks.ts';
import { suspectPaths } from '../../../test/workflows/stories/suspects.ts';

/**
 * The policy changes during the story, no pager is connected, the incident is over before its page was tried, or a mute ends, of
 * which recordings have only the beginning.
 */
const NOT_REPRODUCIBLE = new Set([
  'mode-is-lowered-during-an-approval-request',
  'closes-during-the-search-for-an-external-page',
  'closed-before-the-workflow-starts',
  'every-pager-refuses',
  'alert-starts-its-runbook-when-its-mute-ends',
]);

const STORIES = {
  ...paths,
  ...groupPaths,
  ...externalPaths,
  ...guardPaths,
  ...latePaths,
  ...proofPaths,
  ...runbookPaths,
  ...suspectPaths,
};

/** Returns the recordings of all incidents of a story, as the API returns them. */
const recordingsOf = ({ deps, store }: FakeWorld): Promise<RecordedIncident[]> =>
  Promise.all(
    [...store.dossiers.keys()].map(async (id) =>
      RecordedIncident.parse(JSON.parse(JSON.stringify(await recordingOf(deps, id)))),
    ),
  );

/** Returns what really happened, in the form of an outcome. */
const happened = (recorded: RecordedIncident) => ({
  opened_at: recorded.opened_at,
  pages: recorded.pages.length,
  decisions: recorded.decisions.flatMap(({ number, kind, from, to, inputs }) =>
    inputs !== null && 'evidence' in inputs ? [{ number, kind, from, to }] : [],
  ),
  runbooks: recorded.runbooks.filter(({ by_person }) => !by_person).map(({ name }) => name),
});

const replayed = ({ opened_at, pages, decisions, runbooks }: Outcome) => ({
  opened_at,
  pages: pages.length,
  decisions: decisions.map(({ number, kind, from, recipient: to }) => ({ number, kind, from, to })),
  runbooks: runbooks.map(({ name }) => name),
});

describe.concurrent('the replay of a recorded story under the same policy', () => {
  test.for(Object.entries(STORIES))('%s', async ([name, path], { expect }) => {
    const { world } = await play(path);
    const incidents = await recordingsOf(world);
    const recorded = { incidents, alerts: [] };
    const outcomes = replay(recorded, world.config);
    const inOrder = incidents.toSorted((a, b) => (a.opened_at < b.opened_at ? -1 : 1));
    if (!NOT_REPRODUCIBLE.has(name)) expect(outcomes.map(replayed)).toEqual(inOrder.map(happened));
    expect(compare(outcomes, replay(structuredClone(recorded), structuredClone(world.config))).differences).toEqual([]);
  });
});
