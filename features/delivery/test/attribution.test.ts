import { expect, test } from 'vitest';
import { attributedIncident, type ObservedIncident } from '../decisions/attribution.ts';
import type { ChangeId, Version } from '../../../schemas/config/names.ts';
import type { EarlierProblem, IncidentRecord, Suspect } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { NOON } from '../../../test/core/arbitraries.ts';
import { incident } from '../../../test/core/stories.ts';

const minute = (minutes: number): Timestamp => plusSeconds(NOON, 60 * minutes);
const idOf = (version: string): ChangeId => `chg_${version}` as ChangeId;
const suspect = (version: string, confidence: number): Suspect => ({
  change_id: idOf(version),
  version: version as Version,
  confidence,
  reasons: [],
});
const rolledBack = (version: string, minutes: number) => ({ id: idOf(version), started_at: minute(minutes) });

/** An incident of two problems, at noon and ten minutes later, that is resolved after half an hour. */
const twoProblems = (first: Partial<EarlierProblem>, more: Partial<IncidentRecord> = {}): ObservedIncident =>
  incident({
    status: 'resolved',
    resolved_at: minute(30),
    closed_as: 'verified',
    mitigations: 2,
    new_onset: { at: minute(10), recovered_at: minute(5), seq: 3, judged: 1 },
    earlier_problems: [{ at: NOON, judged: 1, suspects: [], verification: 'passed', ...first }],
    ...more,
  });

test('a rollback is about the problem that suspects the deploy most', () => {
  const observed = twoProblems(
    { suspects: [suspect('v3', 0.7), suspect('v2', 0.2)], mitigation: { number: 1 }, recovered_at: minute(5) },
    { suspects: [suspect('v2', 0.9)], verifying: { number: 2 }, verification: 'passed' },
  );
  const { problems } = attributedIncident(observed, [rolledBack('v2', -10), rolledBack('v3', -5)], undefined, 0.8);
  expect(problems.map(({ deployment_id: deploy }) => deploy)).toEqual([idOf('v3'), idOf('v2')]);
});

test('a deploy that was rolled back is no cause of a problem that began before it, unless it is probably that', () => {
  const observed = (confidence: number) =>
    incident({
      status: 'resolved',
      resolved_at: minute(30),
      suspects: [suspect('v3', confidence), suspect('v2', 0.3)],
    });
  const attributed = (confidence: number) =>
    attributedIncident(observed(confidence), [rolledBack('v3', 1)], undefined, 0.8).problems[0]?.deployment_id;
  expect([attributed(0.13), attributed(0.6)]).toEqual([null, idOf('v3')]);
});

test('a problem that had not ended when the next one began ended with that, and counts once', () => {
  const { problems, restore_s } = attributedIncident(twoProblems({}), [], undefined, 0.8);
  expect(problems.map(({ ended_at: end }) => end)).toEqual([minute(30), minute(30)]);
  expect(restore_s).toBe(1800);
});

test('the time between two problems does not count', () => {
  const { problems, restore_s } = attributedIncident(twoProblems({ recovered_at: minute(5) }), [], undefined, 0.8);
  expect(problems.map(({ ended_at: end }) => end)).toEqual([minute(5), minute(30)]);
  expect(restore_s).toBe(300 + 1200);
});

test('the last problem ends with its recovery, like those before it; what follows is not a failure of its deploy', () => {
  const observed = twoProblems({ recovered_at: minute(5) }, { recovered_at: minute(12), began_at: minute(-1) });
  const { problems, restore_s } = attributedIncident(observed, [], undefined, 0.8);
  expect(problems.map(({ ended_at: end }) => end)).toEqual([minute(5), minute(12)]);
  expect(restore_s).toBe(300 + 120);
});

test('an unverified end is the end of no problem that had not ended before', () => {
  const observed = twoProblems({}, { closed_as: 'unverified', resolved_by: 'firebreak:quiet' });
  const { problems, restore_s } = attributedIncident(observed, [], undefined, 0.8);
  expect([problems.map(({ ended_at: end }) => end), restore_s]).toEqual([[null, null], null]);
});
