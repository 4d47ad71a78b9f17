import { describe, expect, test } from 'vitest';
import {
  hasNewResult,
  isSameRollback,
  mayBeNews,
  type JudgedIncident,
  newsOf,
  newsText,
  relatedTo,
  whyNotJudgedAgain,
} from '../../../../core/domain/changes/late-changes.ts';
import type { DecisionInputs } from '../../../../core/domain/rollback/judgement.ts';
import { newChange } from '../../../../core/stores/changes/changes.ts';
import { type Change, NewChange } from '../../../../schemas/changes/change.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { incident } from '../../stories.ts';

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

describe('a change may concern an incident', () => {
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
    ['one that was cancelled meanwhile', change({ recorded: 5 }, { status: 'cancelled' }), true],
    ['one whose clock may be ahead', change({ began: -1, ended: -2 }), true],
    ['one of its service that begins after it', change({ began: -1, ended: null, recorded: -1.1 }), true],
    [
      'a rollout of a dependency that begins after it',
      change({ began: -1, ended: null, recorded: -1.1 }, { service: 'payments' }),
      true,
    ],
    ['a flag that is switched after it', change({ began: -1, ended: -1, recorded: -1.1 }, { kind: 'flag' }), true],
    ['not one that ended long before it', change({ began: 300, ended: 200 }), false],
    ['not a rollout that was recorded before it', change({ ended: null, recorded: 5 }), false],
    ['the end of a rollout that was recorded before it', change({ ended: -3, recorded: 5 }), true],
    ['not the rollback that was made for it', change({}, { kind: 'rollback' }, own.id), false],
  ])('%s', (_, late, hears) => {
    expect(mayBeNews(services, own, late)).toBe(hears);
  });

  test('of another service, if that is suspected', () => {
    const suspects = [
      {
        change_id: change().id,
        version: 'v42' as Version,
        service: 'search' as ServiceName,
        confidence: 0.6,
        reasons: [],
      },
    ];
    const suspecting = incident({ suspects });
    expect(mayBeNews(services, suspecting, change({}, { service: 'search' }))).toBe(true);
    expect(mayBeNews(services, suspecting, change({}, { service: 'search', environment: 'staging' }))).toBe(false);
  });

  test.each([
    ['not once it is resolved', incident({ status: 'resolved' })],
    ['not where it is made of others', incident({ group_reason: { because: 'many', name: 'x', text: 'x' } })],
  ])('%s', (_, closed) => {
    expect(mayBeNews(services, closed, change())).toBe(false);
  });

  test('by the relation of its service to the change', () => {
    expect(relatedTo(services, own, change({}, { service: 'ledger' }))).toMatchObject({
      relation: 'dependency',
      distance: 2,
    });
    expect(relatedTo(services, incident({ unmatched: 'checkout' }), change({}, { service: 'ledger' }))).toBeNull();
  });
});

describe('a judgement does not know', () => {
  const known = { change: change(), relation: 'same', distance: 0 } as const;
  const judged = (changes: DecisionInputs['evidence']['changes'], alertStartedAt = NOON) =>
    ({
      evidence: {
        incident_id: 'inc_x',
        changes,
        onset: { alertStartedAt, rule: null },
        health: null,
      },
      targets: [],
    }) as unknown as DecisionInputs;
  const rolling = change({ ended: null, recorded: 5 });
  const openedAt = (seconds: number) => ({ opened_at: plusSeconds(NOON, seconds) });
  const soonAfter = { ...known, change: change({ began: -1.1, ended: -1.1, recorded: -1.1 }) };
  const newProblem = { recovered_at: plusSeconds(NOON, -300), seq: 5, judged: 1, after: { number: 1 } };
  const after = (more: object) => ({ ...known, change: change({ began: -2, ended: -3 }, more) });

  test.each([
    ['a change that can be the cause by its times', newsOf({ opened_at: NOON }, judged([]), known), 'recorded_late'],
    ['a deploy that began shortly after the onset', newsOf(openedAt(120), judged([]), soonAfter), 'recorded_late'],
    ['only a newer version if it began after the incident', newsOf(openedAt(60), judged([]), soonAfter), 'newer'],
    [
      'a deploy before a new problem of the incident',
      newsOf({ opened_at: plusSeconds(NOON, -900), new_onset: { ...newProblem, at: NOON } }, judged([]), {
        ...known,
        change: change({ began: 3, ended: 2 }),
      }),
      'recorded_late',
    ],
    ['nothing of one that was evaluated', newsOf({ opened_at: NOON }, judged([known]), known), null],
    [
      'the end of a rollout',
      newsOf({ opened_at: NOON }, judged([{ ...known, change: rolling }]), {
        ...known,
        change: { ...rolling, status: 'failed' },
      }),
      'ended',
    ],
    [
      'nothing of a rollout that goes on',
      newsOf({ opened_at: NOON }, judged([{ ...known, change: rolling }]), { ...known, change: rolling }),
      null,
    ],
    ['a newer version', newsOf({ opened_at: NOON }, judged([], plusSeconds(NOON, -3600)), known), 'newer'],
    ['a flag after the onset', newsOf({ opened_at: NOON }, judged([]), after({ kind: 'flag' })), 'during'],
    [
      'a newer version of a dependency',
      newsOf({ opened_at: NOON }, judged([]), { ...after({}), relation: 'dependency' }),
      'during',
    ],
    ['the effect of a change after the onset', newsOf({ opened_at: NOON }, judged([after({})]), after({})), 'during'],
    [
      'no newer version that was cancelled',
      newsOf({ opened_at: NOON }, judged([]), after({ status: 'cancelled' })),
      null,
    ],
  ])('%s', (_, news, expected) => {
    expect(news).toBe(expected);
  });
});

describe('the end of a change, or a newer version, leads to another judgement', () => {
  const place = { service: 'checkout', environment: 'production' };
  const question = { kind: 'approve', state: 'waiting', target: place, from_version: 'v2', to_version: 'v1' };
  const nothing = {
    kind: 'none',
    reasons: [{ code: 'no_confident_suspect', text: '' }],
    target: null,
    from: null,
    to: null,
  };
  const asks = { kind: 'approve', reasons: [{ code: 'mode_approve', text: '' }], target: place, from: 'v2', to: 'v1' };
  const superseded = { ...asks, kind: 'suggest', reasons: [{ code: 'superseded', text: '' }] };
  const beyond = {
    ...superseded,
    kind: 'approve',
    from: null,
    to: null,
    offers: [{ act: 'roll_back', change_id: 'chg_2', from_version: 'v3', to_version: 'v1' }],
  };
  const cancelled = change({}, { version: 'v2', status: 'cancelled' });
  const ended = change({}, { version: 'v2' });
  const newer = change({ began: -1, ended: -2 }, { version: 'v3' });
  type Case = [why: string, before: object, now: object, change: Change, expected: boolean];

  test.each<Case>([
    [
      'if something is proposed that was not',
      { ...question, kind: 'none', state: 'final' },
      { ...asks, from: 'v3' },
      ended,
      true,
    ],
    ['if another rollback is proposed', question, { ...asks, from: 'v3' }, ended, true],
    ['not if the same rollback is proposed', question, { ...asks, kind: 'roll_back' }, ended, false],
    ['not if a person has rejected that rollback', { ...question, state: 'rejected' }, asks, ended, false],
    ['if a newer version runs, which may be the fix', question, superseded, ended, true],
    ['not if that was reported before', { ...question, kind: 'suggest', state: 'final' }, superseded, ended, false],
    ['if the newer version has not helped', { ...question, kind: 'suggest', state: 'final' }, beyond, ended, true],
    [
      'not if that was asked before',
      { ...beyond, state: 'waiting', target: place, from_version: null, to_version: null },
      beyond,
      ended,
      false,
    ],
    ['if the rollout that is asked about was cancelled', question, nothing, cancelled, true],
    ['if another version runs since, whatever is proposed', question, nothing, newer, true],
    ['not if that deploy has failed', question, nothing, { ...newer, status: 'failed' }, false],
    ['not if it was there before', question, nothing, change({ began: 30, ended: 20 }, { version: 'v1.5' }), false],
    ['not because measurements have changed', question, nothing, ended, false],
    ['not because another rollout was cancelled', question, nothing, change({}, { status: 'cancelled' }), false],
    ['not if nothing is proposed', { ...question, kind: 'none', state: 'final' }, nothing, cancelled, false],
  ])('%s', (_, before, now, of, expected) => {
    const known = [change({ began: 60, ended: 55 }, { version: 'v1' }), change({}, { version: 'v2' })];
    expect(hasNewResult(before as never, now as never, [of], known)).toBe(expected);
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
    expect(whyNotJudgedAgain(standing(more))).toBeNull();
  });

  test.each<[string, Partial<JudgedIncident>, string]>([
    ['while something is done about it', { status: 'mitigating' }, 'a mitigation is in progress'],
    ['while its rollback is unclear', { effect: { state: 'intended' } }, 'a mitigation is in progress'],
    ['once it is mitigated', { status: 'mitigated' }, 'the incident is mitigated'],
    ['when it is about to roll back', { decision: { kind: 'roll_back', state: 'final' }, concluded: false }, 'right'],
    ['when that was approved', { decision: { kind: 'approve', state: 'approved' }, concluded: false }, 'was approved'],
    ['when a person has asked for it', { ...waiting, requestedBy: 'person' }, 'a person asked for a rollback'],
    [
      'while it waits',
      { decision: { kind: 'wait', state: 'final', wait_seconds: 180 }, concluded: false },
      'within 3 min',
    ],
    ['again and again', { number: 12 }, 'judged 12 times'],
  ])('not %s', (_, more, why) => {
    expect(whyNotJudgedAgain(standing(more))).toContain(why);
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
  const by = incident({ by_hand: true, id: 'inc_x' as IncidentId });
  const ended = { ...change({ recorded: 5 }), finished_at: plusSeconds(NOON, 3 * 60), status: 'failed' } as const;
  expect([
    newsText(incident(), { change: change(), news: 'recorded_late' }, 'judged again'),
    newsText(by, { change: change({}, { service: 'payments', kind: 'config' }), news: 'recorded_late' }, 'x'),
    newsText(incident(), { change: ended, news: 'ended' }, 'judged again'),
    newsText(incident(), { change: change({ began: -2, ended: null }), news: 'newer' }, 'judged again'),
    newsText(incident(), { change: change({ began: -2, ended: -2 }, { kind: 'flag' }), news: 'during' }, 'x'),
  ]).toEqual([
    'Deploy v42 was recorded 4 min after the alert; judged again',
    'Configuration change v42 of payments was recorded 4 min after the incident was opened; x',
    'Deploy v42 failed 3 min after the alert; judged again',
    'Deploy v42 began 2 min after the alert; judged again',
    'Flag v42 took effect 2 min after the alert; x',
  ]);
});
