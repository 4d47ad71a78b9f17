import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { withReport } from '../../../../core/domain/changes/object-history.ts';
import { changeOfRollout, mergedRollout } from '../../../../core/domain/changes/rollout.ts';
import { ChangeReport, type ObjectHistory, type Rollout } from '../../../../schemas/changes/change-report.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { runs } from '../../../support/runs.ts';

const report = (second: number, state: string, status: string): ChangeReport =>
  ChangeReport.parse({
    source: 'flux',
    key: `webapp ${state}`,
    object: 'webapp',
    at: plusSeconds(NOON, second),
    subject: {},
    version: state,
    status,
    ...(status === 'succeeded' && { final: true }),
    ...(status === 'started' && { started_at: plusSeconds(NOON, second) }),
  });

/** Returns the changes after these reports, whatever the keys of their rollouts. */
function changesAfter(reports: readonly ChangeReport[]) {
  let marks: ObjectHistory['marks'] = [];
  const rollouts = new Map<string, Rollout>();
  for (const one of reports) {
    const placed = withReport(marks, one);
    marks = [...placed.marks];
    for (const applied of placed.reports) rollouts.set(applied.key, mergedRollout(rollouts.get(applied.key), applied));
  }
  return [...rollouts.values()]
    .map((rollout) => changeOfRollout(rollout))
    .toSorted((a, b) => ((a?.started_at ?? '') < (b?.started_at ?? '') ? -1 : 1));
}

/** Each state is started and succeeds, and is then reconciled several times. */
const story = (states: readonly string[]): ChangeReport[] =>
  states.flatMap((state, nth) =>
    ['started', 'succeeded', 'succeeded', 'succeeded'].map((status, step) =>
      report(nth * 100 + step * 10, state, status),
    ),
  );

test('a state that comes back is another rollout', () => {
  expect(changesAfter(story(['a', 'b', 'a', 'b', 'c']))).toMatchObject(
    ['a', 'b', 'a', 'b', 'c'].map((version, nth) => ({
      version,
      status: 'succeeded',
      started_at: plusSeconds(NOON, nth * 100),
      finished_at: plusSeconds(NOON, nth * 100 + 10),
    })),
  );
});

test('repeated reports of one state stay one rollout', () => {
  const reports = story(['a', 'b']);
  expect(changesAfter([...reports, ...reports, ...reports.toReversed()])).toHaveLength(2);
});

test('any order of arrival gives the same rollouts, as long as the kept reports suffice', () => {
  const reports = story(['a', 'b', 'a', 'c', 'b']);
  const states = (all: readonly ChangeReport[]) =>
    changesAfter(all).map((change) => [change?.version, change?.status, change?.started_at]);
  const expected = states(reports);
  fc.assert(
    fc.property(fc.shuffledSubarray(reports, { minLength: reports.length }), (shuffled) => {
      expect(states(shuffled)).toEqual(expected);
    }),
    { numRuns: runs(60) },
  );
});
