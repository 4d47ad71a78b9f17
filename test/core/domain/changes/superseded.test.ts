import { expect, test } from 'vitest';
import { supersededText } from '../../../../core/domain/changes/superseded.ts';
import { DecisionView, type IncidentView } from '../../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

const at = '2026-11-20T12:00:00.000Z' as Timestamp;

const decision = (digest: string, more: object = {}): DecisionView =>
  DecisionView.parse({
    id: `x-${digest}`,
    kind: 'approve',
    because: 'mode',
    at,
    digest,
    state: 'waiting',
    from_version: 'v2',
    to_version: 'v1',
    reasons: [],
    answered_by: null,
    target: { service: 'checkout', environment: 'production' },
    ...more,
  });

const incident = (decisions: DecisionView[], more: Partial<IncidentView> = {}) =>
  ({ id: 'x' as IncidentId, status: 'open', resolved_at: null, decisions, ...more }) as IncidentView;

test.each([
  [
    'another person was faster',
    [decision('a', { state: 'approved', answered_by: 'ada' })],
    {},
    'ada has already approved it',
  ],
  ['the question expired', [decision('a', { state: 'expired' })], {}, 'the question expired without an answer'],
  [
    'the question was asked again',
    [decision('a', { state: 'expired' }), decision('b')],
    {},
    'another question is waiting now: Roll checkout in production back from v2 to v1',
  ],
  [
    'the incident is resolved',
    [decision('a', { state: 'expired' })],
    { status: 'resolved', resolved_at: at } as const,
    'the incident was resolved at 12:00 UTC',
  ],
  ['the decision is unknown', [], {}, 'no question is waiting any more'],
  [
    'the decision is unknown, and another one was answered',
    [decision('b', { state: 'rejected', answered_by: 'bob' })],
    {},
    'no question is waiting any more; the last one was rejected by bob',
  ],
])('%s', (_, decisions, more, words) => {
  expect(supersededText(incident(decisions, more), 'a')).toBe(words);
});
