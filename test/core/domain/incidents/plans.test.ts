import { describe, expect, test } from 'vitest';
import { planJoin, planLeave, planResolution, unfinishedOf } from '../../../../core/domain/incidents/lifecycle.ts';
import { blankIncident } from '../../../../core/domain/incidents/new-incident.ts';
import { planAction } from '../../../../core/domain/incidents/plan-effects.ts';
import { inboxPostOf } from '../../../../core/domain/incidents/inbox-post.ts';
import type { ChangeId, IncidentId } from '../../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { signal } from '../../../support/signals.ts';
import { actAt, NOON } from '../../arbitraries.ts';

const { service, environment } = signal();
const [ONE, OTHER] = ['01TEST00000000000000000001', '01TEST00000000000000000002'] as [IncidentId, IncidentId];

const incident = (more: Partial<IncidentRecord> = {}): IncidentRecord => ({
  ...blankIncident,
  callbacks: {},
  suspects: [],
  id: ONE,
  service,
  environment,
  title: 'checkout answers with errors',
  severity: 'critical',
  opened_at: NOON,
  trace: 'trace',
  ...more,
});

describe('a message to the inbox', () => {
  test('depends on the sequence that was read, and on the incident being open', () => {
    const { seq, patch } = inboxPostOf(incident({ seq: 4 }), { kind: 'page', by: 'ada', note: '' }, NOON);
    expect({ seq, patch }).toEqual({ seq: 5, patch: { set: { seq: 5 }, seen: { seq: 4 }, notIn: ['resolved'] } });
  });

  test('that changes the status also depends on the status, which an action can change without a message', () => {
    const message = { kind: 'page', by: 'ada', note: '' } as const;
    const { patch } = inboxPostOf(incident({ status: 'mitigating' }), message, NOON, { status: 'mitigated' });
    expect(patch).toMatchObject({ set: { status: 'mitigated' }, seen: { seq: 0, status: 'mitigating' } });
  });
});

describe('an incident', () => {
  const calm = { consumed: 0, by: null, text: 'Resolved', warnings: 0 };

  test.each([
    ['is resolved when nothing fires', incident(), calm, 'patch'],
    ['is not resolved before the last message is read', incident({ seq: 1 }), calm, 'not_yet'],
    ['is not resolved while an alert fires', incident({ firing: 1 }), calm, 'not_yet'],
    ['is resolved while only slow-burn warnings fire', incident({ firing: 1 }), { ...calm, warnings: 1 }, 'patch'],
    ['is not resolved during an action', incident({ status: 'mitigating' }), calm, 'not_yet'],
    [
      'is resolved by a person at any time',
      incident({ firing: 1, status: 'mitigating' }),
      { ...calm, by: 'ada' },
      'patch',
    ],
    ['is resolved once', incident({ status: 'resolved' }), calm, 'resolved'],
  ] as const)('%s', (_, one, request, kind) => expect(planResolution(one, request, NOON).kind).toBe(kind));

  test('that resolves by itself depends on the alerts that were counted, and on no action having started', () => {
    expect(planResolution(incident(), calm, NOON)).toMatchObject({
      patch: { seen: { seq: 0, firing: 0 }, notIn: ['resolved', 'mitigating'] },
    });
  });

  test('continues mitigations without a result, and those that are not verified', () => {
    const ends = [
      { number: 1, outcome: 'succeeded' },
      { number: 2, outcome: 'failed' },
      { number: 3, outcome: undefined },
      { number: 101, outcome: 'asked' },
    ] as const;
    expect(unfinishedOf(ends, { verification: 'passed' })).toEqual([3]);
    expect(unfinishedOf(ends, { verification: 'pending' })).toEqual([1, 3]); // of a record without a subject
    expect(unfinishedOf(ends, { verification: 'pending', verifying: { number: 1 } })).toEqual([1, 3]);
  });

  test.each([{ number: 4 }, { number: 1, change: 'chg_1' as ChangeId }, { number: 1, runbook: 1 }])(
    'continues no mitigation after which another one is verified: %j',
    (verifying) => {
      expect(unfinishedOf([{ number: 1, outcome: 'succeeded' }], { verification: 'pending', verifying })).toEqual([]);
    },
  );
});

describe('a child incident', () => {
  const PARENT = { id: OTHER, reason: undefined };

  test('joins an open parent, which counts one more firing alert', () => {
    expect(planJoin(PARENT, incident(), NOON)).toMatchObject({
      child: { id: ONE, patch: { set: { parent_id: OTHER }, seen: { parent_id: undefined } } },
      parent: { id: OTHER, patch: { add: { firing: 1, signal_count: 1 }, notIn: ['resolved'] } },
    });
  });

  test.each([
    ['many', 'Automation asks for approval before it acts, unless a version is proved to be the cause'],
    [
      'shared_dependency',
      "Automation stays in its mode; after the group's first automatic rollback, it asks for approval",
    ],
  ] as const)('of a group by %s says what that means for automation', (because, text) => {
    const group_reason = { because, name: '', text: 'db is failing' };
    expect(planJoin({ id: OTHER, group_reason }, incident(), NOON)).toMatchObject({
      child: { entry: { text: expect.stringContaining(text) } },
    });
  });

  test('that was rolled back before it joined counts as the rollback of its group', () => {
    for (const status of ['mitigating', 'mitigated'] as const)
      expect(planJoin(PARENT, incident({ status }), NOON)).toMatchObject({
        parent: { patch: { set: { group_rollback: { incident_id: ONE } } } },
      });
    expect(planJoin(PARENT, incident(), NOON)).not.toHaveProperty('parent.patch.set');
  });

  test.each([
    ['has a parent', incident({ parent_id: OTHER }), 'joined'],
    ['is resolved', incident({ status: 'resolved' }), 'closed'],
    ['is unknown', undefined, 'closed'],
  ] as const)('does not join if it %s', (_, child, result) => expect(planJoin(PARENT, child, NOON)).toBe(result));

  test('leaves only its own parent', () => {
    const why = { page: true, text: 'The parent is resolved' };
    expect(planLeave(OTHER, incident({ parent_id: OTHER }), why, NOON)).toMatchObject({
      message: { kind: 'left', parent: OTHER, page: true },
      patch: { remove: ['parent_id'] },
    });
    expect(planLeave(ONE, incident({ parent_id: OTHER }), why, NOON)).toBeNull();
  });
});

describe('an action', () => {
  const intent = { key: 'a', kind: 'roll-back', target: 'http://cd', class: 'keyed', detail: 'v2 to v1' } as const;
  const act = actAt({ service, environment });
  const state = {
    known: undefined,
    incident: { id: ONE, status: 'open' as const },
    parent: undefined,
    lock: undefined,
    pace: { times: [], acts: [] },
  };
  const lockUntil = (seconds: number, holder: IncidentId | 'drill' = OTHER, key = 'b') => ({
    ...state,
    lock: { key, holder, until: plusSeconds(NOON, seconds) },
  });
  const resultOf = (of: Parameters<typeof planAction>[2]): string => {
    const plan = planAction(intent, act, of, NOON);
    return plan.kind === 'stopped' ? plan.reason.code : plan.kind;
  };

  test.each([
    ['begins if its target is free', state, 'begins'],
    ['is stopped by the lock of another incident', lockUntil(60), 'locked'],
    ['is stopped by the lock of a drill', lockUntil(60, 'drill'), 'locked'],
    ['is stopped by another action of its incident', lockUntil(60, ONE), 'already_running'],
    ['continues with its own lock', lockUntil(60, ONE, 'a'), 'begins'],
    ['takes an abandoned lock', lockUntil(-1), 'begins'],
    [
      'is stopped when its incident is resolved',
      { ...state, incident: { id: ONE, status: 'resolved' as const } },
      'incident_closed',
    ],
    [
      'is stopped by the limit of all services',
      { ...state, pace: { times: Array.from({ length: 10 }, () => NOON), acts: [] } },
      'organisation_limit',
    ],
    [
      'is not stopped by actions of more than an hour ago',
      { ...state, pace: { times: Array.from({ length: 10 }, () => plusSeconds(NOON, -3601)), acts: [] } },
      'begins',
    ],
  ] as const)('%s', (_, of, result) => expect(resultOf(of)).toBe(result));

  describe('of a child', () => {
    const child = { ...state, incident: { id: ONE, number: 7, status: 'open' as const, parent_id: OTHER } };
    const rolledBack = { ...child, parent: { id: OTHER, group_rollback: { incident_id: OTHER } } };

    test('is the one automatic rollback of its group', () => {
      expect(planAction(intent, act, { ...child, parent: { id: OTHER } }, NOON)).toMatchObject({
        patch: { seen: { parent_id: OTHER } },
        parent: {
          id: OTHER,
          patch: {
            set: { group_rollback: { incident_id: ONE, number: 7, key: 'a' } },
            seen: { group_rollback: undefined },
          },
        },
      });
    });

    test('is stopped if another child was rolled back automatically', () => {
      expect(resultOf(rolledBack)).toBe('group_rolled_back');
      const numbered = { ...child, parent: { id: OTHER, group_rollback: { incident_id: OTHER, number: 8 } } };
      expect(planAction(intent, act, numbered, NOON)).toMatchObject({
        reason: { text: 'incident INC-8 of the same group has already rolled a service back' },
      });
    });

    test('is not stopped, nor counted, if a person approved it', () => {
      expect(planAction(intent, { ...act, automatic: false }, rolledBack, NOON)).toMatchObject({
        kind: 'begins',
        parent: null,
      });
    });
  });

  test('that was recorded stays as it is, whatever has changed since', () => {
    const known = { ...intent, state: 'intended' as const, at: NOON };
    expect(planAction(intent, act, { ...lockUntil(60), known }, NOON)).toEqual({ kind: 'known', effect: known });
  });
});
