import { describe, expect, test } from 'vitest';
import { newOnset, reopenedProblem } from '../../../../core/domain/incidents/new-onset.ts';
import { problemTexts } from '../../../../core/domain/incidents/problem-words.ts';
import {
  decisionsOf,
  isDuring,
  measuredOnset,
  problemsOf,
  withProblem,
} from '../../../../core/domain/incidents/problems.ts';
import type { ChangeId, Version } from '../../../../schemas/config/names.ts';
import type { DecisionView, EarlierProblem, IncidentRecord, Suspect } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { afterDeploy, curve, own, timed } from '../correlation/scenes.ts';
import { incident } from '../../stories.ts';

const after = (seconds: number): Timestamp => plusSeconds(NOON, seconds);

const suspect = (version: string, confidence = 0.9): Suspect => ({
  change_id: `chg_${version}` as ChangeId,
  version: version as Version,
  confidence,
  reasons: [],
});

/** An incident whose first problem, v2, was rolled back, and has ended after two minutes. */
const recoveredIncident = (more: Partial<IncidentRecord> = {}): IncidentRecord =>
  incident({
    status: 'mitigated',
    verification: 'pending',
    verifying: { number: 1, at: after(60) },
    mitigations: 1,
    recovered_at: after(120),
    suspects: [suspect('v2')],
    ...more,
  });

/** Returns the incident after another problem has begun. */
function failingAgain(before: IncidentRecord, since: Timestamp): IncidentRecord {
  const { newOnset: onset, endedProblem: ended, status } = newOnset(before, { since, recoveredAt: null, pages: true });
  if (onset === undefined || ended === undefined) return expect.unreachable();
  const { recovered_at: _, ...rest } = before;
  return {
    ...rest,
    status: status ?? before.status,
    suspects: [],
    new_onset: onset,
    earlier_problems: withProblem(before.earlier_problems, ended),
  };
}

const decision = (number: number, more: Partial<DecisionView> = {}): Pick<DecisionView, 'id' | 'at' | 'question'> => ({
  id: `i-${number}`,
  at: NOON,
  ...more,
});

describe('the problems of an incident', () => {
  test('are one, with all that is known, until another begins', () => {
    expect(problemsOf(recoveredIncident())).toEqual([
      {
        number: 1,
        at: NOON,
        title: 'errors',
        until: null,
        judgedBefore: 0,
        judged: 1,
        suspects: [suspect('v2')],
        mitigation: { number: 1, at: after(60) },
        verification: 'pending',
        recovered_at: after(120),
        notBefore: null,
      },
    ]);
  });

  test('keep what was known of the one before, and none of it is told of the next one', () => {
    const [first, second] = problemsOf(failingAgain(recoveredIncident(), after(300)));
    expect(first).toMatchObject({
      until: after(300),
      suspects: [suspect('v2')],
      mitigation: { number: 1 },
      recovered_at: after(120),
    });
    expect(second).toEqual({
      number: 2,
      at: after(300),
      title: 'errors',
      until: null,
      judgedBefore: 1,
      judged: 1,
      suspects: [],
      verification: 'not_needed',
      notBefore: plusSeconds(after(120), 0.001),
    });
  });

  test('have no end if the next one began right after it: then nothing shows that the mitigation helped', () => {
    const [soon] = problemsOf(failingAgain(recoveredIncident(), after(125)));
    expect(soon).toMatchObject({ mitigation: { number: 1 }, verification: 'pending' });
    expect(soon).not.toHaveProperty('recovered_at');
    const [later] = problemsOf(failingAgain(recoveredIncident(), after(240)));
    expect(later).toMatchObject({ verification: 'passed', recovered_at: after(120) });
  });

  test('have their own mitigations, also if nothing was done between them', () => {
    const second = { ...failingAgain(recoveredIncident(), after(300)), status: 'mitigated' as const };
    const rolledBack = {
      ...second,
      verifying: { number: 2, at: after(400) },
      mitigations: 2,
      recovered_at: after(450),
    };
    const third = failingAgain({ ...rolledBack, suspects: [suspect('v3')] }, after(700));
    const fourth = failingAgain({ ...third, recovered_at: after(800) }, after(1000));
    expect(problemsOf(fourth).map(({ mitigation, suspects }) => [mitigation?.number, suspects[0]?.version])).toEqual([
      [1, 'v2'],
      [2, 'v3'],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  test('that reopens the incident ends the one before: at its recovery, or at a resolution that proves it', () => {
    const resolved = recoveredIncident({ status: 'resolved', resolved_at: after(900), verification: 'passed' });
    const endOf = (before: IncidentRecord) =>
      reopenedProblem(before, { since: after(960), pages: true }).endedProblem?.recovered_at;
    const { recovered_at: _, ...unknown } = resolved;
    expect([
      endOf(resolved),
      endOf({ ...unknown, closed_as: 'verified' }),
      endOf({ ...unknown, closed_as: 'unverified' }),
      endOf({ ...unknown, closed_as: 'person', verification: 'failed' }),
      endOf({ ...unknown, closed_as: 'verified', resolved_at: after(1000) }),
    ]).toEqual([after(120), after(900), undefined, undefined, undefined]);
    const { verifying: _verifying, ...unmitigated } = resolved;
    expect(reopenedProblem(unmitigated, { since: after(960), pages: true })).toEqual({
      recoveredAt: null,
      returnedAt: after(960),
    });
  });

  test('begin after the mitigation and the end of the one before, whatever start an alert claims', () => {
    const claimed = { ...failingAgain(recoveredIncident(), after(300)) };
    const onset = claimed.new_onset;
    if (onset === undefined) return expect.unreachable();
    const [first, second] = problemsOf({ ...claimed, new_onset: { ...onset, at: after(-60) } });
    expect([first?.until, second?.at]).toEqual([second?.at, plusSeconds(after(120), 0.001)]);
  });

  test('of an older version are one, although others began', () => {
    const { earlier_problems: _, ...older } = failingAgain(recoveredIncident(), after(300));
    expect(problemsOf(older)).toMatchObject([{ number: 1, at: NOON, until: null, mitigation: { number: 1 } }]);
  });

  test('are the first one and the newest ones, if there are very many', () => {
    const problem = (number: number): EarlierProblem => ({
      at: after(number),
      judged: number,
      suspects: Array.from({ length: 9 }, (_, n) => suspect(`v${n}`)),
      verification: 'passed',
    });
    let all: EarlierProblem[] = [];
    for (let number = 1; number <= 40; number += 1) all = withProblem(all, problem(number));
    expect([all.length, all[0]?.judged, all[1]?.judged, all.at(-1)?.judged]).toEqual([30, 1, 12, 40]);
    expect(all.every(({ suspects }) => suspects.length === 5)).toBe(true);
  });
});

test('each decision is about one problem: a judgement by its number, a question of a runbook by its time', () => {
  const [first, second] = problemsOf(failingAgain(recoveredIncident(), after(300)));
  if (first === undefined || second === undefined) return expect.unreachable();
  const runbook = (at: Timestamp) => decision(1_001_002, { at, question: 'Restart?' });
  const all = [decision(1), runbook(after(100)), decision(2), runbook(after(400)), decision(3)];
  expect([first, second].map((problem) => decisionsOf(problem, all).map((one) => all.indexOf(one)))).toEqual([
    [0, 1],
    [2, 3, 4],
  ]);
  expect(
    [first, second].map((problem) => [after(-60), after(299), after(300)].map((at) => isDuring(problem, at))),
  ).toEqual([
    [true, true, false],
    [false, false, true],
  ]);
});

test.each<[string, Partial<EarlierProblem>]>([
  ['Problem 1, from 12:00. Probable cause: v2 (90 %). Mitigated at 12:01, ended at 12:02', {}],
  [
    'Problem 1, from 12:00. No change is its probable cause. Mitigated at 12:01, ended at 12:02',
    { suspects: [suspect('v2', 0.4)] },
  ],
  [
    'Problem 1, from 12:00, after deploy v2. Probable cause: v2 (90 %). Mitigated at 12:01, ended at 12:02',
    { after_change: 'deploy v2' },
  ],
  [
    'Problem 1, from 12:00. Probable cause: v2 (90 %). Mitigated outside Firebreak at 12:01, ended at 12:02',
    { mitigation: { number: 1, change: 'chg_v1' as ChangeId, at: after(60) } },
  ],
])('is described as: %s', (text, more) => {
  const [problem] = problemsOf(recoveredIncident());
  if (problem === undefined) return expect.unreachable();
  expect(problemTexts([{ ...problem, ...more }])).toEqual([text]);
});

test('a problem without a mitigation, or without a known end, says so', () => {
  const { recovered_at: _, verifying: _verifying, ...open } = recoveredIncident();
  const [problem] = problemsOf(open);
  expect(problem && problemTexts([problem])).toEqual([
    'Problem 1, from 12:00. Probable cause: v2 (90 %). Not mitigated, nothing shows when it ended',
  ]);
});

describe('the measured onset of a problem', () => {
  // Health left its baseline three minutes before noon.
  const evidence = afterDeploy({
    onset: { alertStartedAt: NOON, alertReceivedAt: NOON, rule: null },
    health: { max: 0.01, curve: curve((minutes) => (minutes > 3 ? 0.001 : 0.2)) },
    changes: [own(timed('v42', 150, 60))],
  });
  const [{ change } = expect.unreachable()] = evidence.changes;
  const of = (more: Partial<Parameters<typeof measuredOnset>[0]>) => {
    const { at, earliest } = measuredOnset({ notBefore: null, suspects: [], ...more }, evidence);
    return [earliest, at];
  };
  const cause = (confidence: number): Suspect => ({ ...suspect('v42', confidence), change_id: change.id });

  test('is not before its probable cause, nor before what ended the problem before it', () => {
    const [earliest = NOON, at = NOON] = of({});
    expect(at < change.started_at).toBe(true);
    expect(of({ suspects: [cause(0.9)] })).toEqual([change.started_at, change.started_at]);
    expect(of({ suspects: [cause(0.1)] })).toEqual([earliest, at]);
    expect(of({ notBefore: after(-100), suspects: [cause(0.9)] })).toEqual([after(-100), after(-100)]);
  });

  test('is not limited by what came after its alert', () => {
    expect(of({ notBefore: after(1) })).toEqual(of({}));
  });
});
