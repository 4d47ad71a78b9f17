import { describe, expect, test } from 'vitest';
import {
  isSameRollback,
  lateWords,
  mayConcern,
  relatedTo,
  type JudgedIncident,
  wasMissed,
  whyNotAgain,
} from '../../../domain/changes/late-changes.ts';
import type { DecisionInputs } from '../../../domain/rollback/judgement.ts';
import { newChange } from '../../../aws/table/changes/changes.ts';
import { type Change, NewChange } from '../../../schemas/changes/change.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { NOON } from '../arbitraries.ts';
import { incident } from '../stories.ts';

const { services } = Config.parse({
  version: 'test',
  services: { checkout: { dependsOn: ['payments'] }, payments: { dependsOn: ['ledger'] }, ledger: {}, search: {} },
  paging: {},
});

/**
 * Builds a change of checkout, recorded 4 minutes after the incident opened; times are minutes before the opening,
 * negative after.
 */
function change(
  { began = 8, ended = 5, recorded = -4 }: { began?: number; ended?: number | null; recorded?: number } = {},
  more: object = {},
  madeFor: string | null = null,
): Change {
  const told = NewChange.parse({
    service: 'checkout',
    environment: 'production',
    version: 'v42',
    started_at: plusSeconds(NOON, -began * 60),
    ...(ended === null ? { status: 'started' } : { finished_at: plusSeconds(NOON, -ended * 60) }),
    ...more,
  });
  return newChange(told, plusSeconds(NOON, -recorded * 60), madeFor);
}

describe('a late change concerns an incident', () => {
  const own = incident();
  test.each<[string, Change, boolean]>([
    ['of its own service', change(), true],
    ['of what its service depends on', change({}, { service: 'payments' }), true],
    ['of what that depends on', change({}, { service: 'ledger' }), true],
    ['not of other services', change({}, { service: 'search' }), false],
    ['not of another environment', change({}, { environment: 'staging' }), false],
    ['of any kind', change({}, { kind: 'flag' }), true],
    ['one that has not ended', change({ began: 90, ended: null }), true],
    ['one that failed', change({}, { status: 'failed' }), true],
    ['not one that was cancelled', change({}, { status: 'cancelled' }), false],
    ['not one that began after it', change({ began: -2, ended: -3 }), false],
    ['one whose clock may be ahead', change({ began: -1, ended: -2 }), true],
    ['not one that began after it and was recorded at once', change({ began: -1, ended: null, recorded: -1.1 }), false],
    ['not one that ended long before it', change({ began: 300, ended: 200 }), false],
    ['not one that was recorded before it', change({ recorded: 5 }), false],
    ['not the rollback that was made for it', change({}, { kind: 'rollback' }, own.id), false],
  ])('%s', (_, late, hears) => {
    expect(mayConcern(services, own, late)).toBe(hears);
  });

  test.each([
    ['not once it is resolved', incident({ status: 'resolved' })],
    ['not where it is made of others', incident({ group_reason: { because: 'many', name: 'x', text: 'x' } })],
  ])('%s', (_, closed) => {
    expect(mayConcern(services, closed, change())).toBe(false);
  });

  test('by the relation of its service to the change', () => {
    expect(relatedTo(services, own, change({}, { service: 'ledger' }))).toMatchObject({
      relation: 'dependency',
      distance: 2,
    });
    expect(relatedTo(services, incident({ unmatched: 'checkout' }), change({}, { service: 'ledger' }))).toBeNull();
  });
});

describe('a judgement has missed a change', () => {
  const known = { change: change(), relation: 'same', distance: 0 } as const;
  const judged = (changes: DecisionInputs['evidence']['changes'], alertStartedAt = NOON) =>
    ({
      evidence: {
        incident_id: 'inc_x',
        changes,
        onset: { alertStartedAt, rule: null },
        health: null,
      },
    }) as unknown as DecisionInputs;

  test.each([
    ['that may be the cause by its times', wasMissed(judged([]), known), true],
    ['not one that was already evaluated', wasMissed(judged([known]), known), false],
    ['not one that began after the onset', wasMissed(judged([], plusSeconds(NOON, -3600)), known), false],
  ])('%s', (_, missed, expected) => {
    expect(missed).toBe(expected);
  });
});

describe('an incident is judged again', () => {
  const standing = (more: Partial<JudgedIncident>): JudgedIncident => ({
    status: 'open',
    number: 1,
    decision: { kind: 'none', state: 'final' },
    requestedBy: 'alert',
    concluded: true,
    ...more,
  });
  const waiting = { decision: { kind: 'approve', state: 'waiting' }, concluded: false } as const;

  test.each<[string, Partial<JudgedIncident>]>([
    ['when nothing was suspected', {}],
    ['while a question waits', waiting],
    ['when the question was rejected', { decision: { kind: 'approve', state: 'rejected' } }],
    ['when the rollback was not begun', { decision: { kind: 'roll_back', state: 'final' } }],
    ['when the rollback has failed', { decision: { kind: 'roll_back', state: 'final' }, effect: { state: 'failed' } }],
  ])('%s', (_, more) => {
    expect(whyNotAgain(standing(more))).toBeNull();
  });

  test.each<[string, Partial<JudgedIncident>, string]>([
    ['while something is done about it', { status: 'mitigating' }, 'a mitigation is in progress'],
    ['while its rollback is unclear', { effect: { state: 'intended' } }, 'a mitigation is in progress'],
    ['once it is mitigated', { status: 'mitigated' }, 'the incident is mitigated'],
    ['when it is about to roll back', { decision: { kind: 'roll_back', state: 'final' }, concluded: false }, 'right'],
    ['when that was approved', { decision: { kind: 'approve', state: 'approved' }, concluded: false }, 'was approved'],
    ['when a person has asked for it', { ...waiting, requestedBy: 'person' }, 'a person asked for a rollback'],
    ['again and again', { number: 10 }, 'judged 10 times'],
  ])('not %s', (_, more, why) => {
    expect(whyNotAgain(standing(more))).toContain(why);
  });

  test('and the same rollback is not requested twice', () => {
    const serviceEnvironment = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
    const now = { target: serviceEnvironment, from: 'v2' as Version, to: 'v1' as Version };
    const before = { kind: 'approve', target: serviceEnvironment, from_version: 'v2', to_version: 'v1' } as const;
    const typed = before as unknown as Parameters<typeof isSameRollback>[0];
    expect(isSameRollback(typed, now)).toBe(true);
    expect(isSameRollback(typed, { ...now, from: 'v3' as Version })).toBe(false);
    expect(isSameRollback({ ...typed, kind: 'suggest' }, now)).toBe(false);
    expect(isSameRollback({ ...typed, from_version: null, to_version: null }, { ...now, from: null, to: null })).toBe(
      false,
    );
  });
});

test('the timeline names the change and its delay', () => {
  expect(lateWords(incident(), change(), 'judged again')).toBe(
    'Deploy v42 was recorded 4 min after the alert; judged again',
  );
  expect(
    lateWords(
      incident({ by_hand: true, id: 'inc_x' as IncidentId }),
      change({}, { service: 'payments', kind: 'config' }),
      'x',
    ),
  ).toBe('Configuration change v42 of payments was recorded 4 min after the incident was opened; x');
});
