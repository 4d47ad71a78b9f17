import { expect, test } from 'vitest';
import { planAnswer } from '../../../../core/domain/incidents/plan-decisions.ts';
import { timestamp } from '../../../../schemas/time/time.ts';

type Planned = Parameters<typeof planAnswer>;

const AT = timestamp(Date.parse('2026-11-20T12:00:00Z'));

/** Plans an approval of an act by the person who has approved the first of two acts before. */
function approvedAgain(digest: string, view: object, by = 'person:ada', answer: 'approved' | 'rejected' = 'approved') {
  const offers = ['first', 'second'].map((one) => ({ digest: one }));
  const decision = { id: 'INC-1.1', digest: 'question', offers, chosen: 'first', target: null, ...view };
  return planAnswer(
    { status: 'open' } as Planned[0],
    { view: decision, people: { approvers: [] } } as unknown as Planned[1],
    { digest, answer, by, note: '' },
    AT,
  );
}

test.each([
  ['the same act', 'first', 'repeated'],
  ['another act', 'second', 'superseded'],
])('an approval of %s after one was approved: %s is %s', (_, digest, expected) => {
  const approvals = { needed: 1, given: ['person:ada'] };
  expect(approvedAgain(digest, { state: 'approved', answered_by: 'person:ada', approvals })).toBe(expected);
});

test('an approval by another person after one act was approved is superseded', () => {
  const approvals = { needed: 1, given: ['person:ada'] };
  const view = { state: 'approved', answered_by: 'person:ada', approvals };
  expect(approvedAgain('first', view, 'person:bo')).toBe('superseded');
});

test('a repeated rejection is repeated, whatever act it names', () => {
  const view = { state: 'rejected', answered_by: 'person:ada', chosen: undefined, approvals: { needed: 1, given: [] } };
  expect(approvedAgain('second', view, 'person:ada', 'rejected')).toBe('repeated');
});
