import { expect, test } from 'vitest';
import { problemsOf } from '../../../../core/domain/incidents/problems.ts';
import type { EarlierProblem } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { NOON } from '../../../../test/core/arbitraries.ts';
import { incident } from '../../../../test/core/stories.ts';
import { withinGroup } from '../../decisions/member.ts';

const after = (seconds: number): Timestamp => plusSeconds(NOON, seconds);

const group = { opened_at: after(600) };
const ended: EarlierProblem = {
  at: NOON,
  judged: 1,
  suspects: [],
  mitigation: { number: 1, at: after(60) },
  verification: 'passed',
  recovered_at: after(120),
};
const onset = { at: after(590), recovered_at: after(120), seq: 5, judged: 1, after: { number: 1 } };
const failsAgain = incident({
  opened_at: NOON,
  verifying: { number: 1, at: after(60) },
  verification: 'passed',
  new_onset: onset,
  earlier_problems: [ended],
});

test('a member tells the group only of problems that were not over before the group began', () => {
  expect(problemsOf(failsAgain)).toHaveLength(2);
  const [problem, ...more] = problemsOf(withinGroup(failsAgain, group));
  expect(more).toEqual([]);
  expect(problem).toMatchObject({ at: after(590) });
  expect(problem).not.toHaveProperty('mitigation');
});

test('one that was open then, and what was done about the newest one, stay', () => {
  const { recovered_at: _, mitigation: __, ...open } = ended;
  const earlier = { ...failsAgain, earlier_problems: [ended, { ...open, at: after(300) }] };
  expect(problemsOf(withinGroup(earlier, group)).map(({ at }) => at)).toEqual([after(300), after(590)]);
  const mitigatedSince = withinGroup({ ...failsAgain, verifying: { number: 2, at: after(660) } }, group);
  expect(problemsOf(mitigatedSince)).toMatchObject([{ at: after(590), mitigation: { number: 2 } }]);
  const only = incident({ opened_at: after(590) });
  expect(withinGroup(only, group)).toBe(only);
});
