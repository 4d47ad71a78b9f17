import { describe, expect, test } from 'vitest';
import { groupNow, isProblemOver } from '../../../../core/domain/incidents/group-now.ts';
import type { GroupReason } from '../../../../core/domain/incidents/incident-group.ts';
import type { ServiceName } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';

describe('what is wrong in the group of a dependency now', () => {
  type Member = Parameters<typeof groupNow>[1][number];
  const text = 'payments failed, and so did services that depend on it: cart, orders';
  const reason: GroupReason = { because: 'shared_dependency', name: 'payments', text };
  const member = (service: string, more: Partial<Member> = {}): Member => ({
    service: service as ServiceName,
    status: 'open',
    verification: 'not_needed',
    firing: 1,
    signal_count: 1,
    ...more,
  });
  const over: Partial<Member> = { status: 'mitigated', verification: 'passed' };
  const now = (...members: Member[]) => groupNow(reason, members);
  const resolved = member('payments', { status: 'resolved' });

  test.each([
    [['payments', 'orders'], 'payments failed, and so did orders, which depends on it'],
    [['payments', 'orders', 'cart'], text],
    [['orders', 'cart'], 'cart, orders all depend on payments'],
    [['payments'], text],
  ])(
    'is the outage of its members until the incident of the dependency is over, and after the end of all: %s',
    (services, words) => {
      const begun = { words, first: 'payments', isOver: false, isWell: false };
      expect(now(...services.map((one) => member(one)))).toEqual(begun);
      expect(now(...services.map((one) => member(one, { status: 'resolved' })))).toEqual(begun);
    },
  );

  test('is what still fails: no member whose problem is over', () => {
    const words = 'orders still fails, although the incident of payments is resolved';
    expect(now(resolved, member('orders'), member('cart', over))).toEqual({
      words,
      first: 'orders',
      isOver: true,
      isWell: false,
    });
  });

  test.each([
    [['orders'], 'the problem of orders is over, and the incident of payments is resolved'],
    [['orders', 'cart'], 'the problems of cart and orders are over, and the incident of payments is resolved'],
  ])('is nothing if only the incidents of %s wait for their end', (services, words) => {
    const first = services.toSorted().join(' and ');
    expect(now(resolved, ...services.map((one) => member(one, over)))).toEqual({
      words,
      first,
      isOver: true,
      isWell: true,
    });
  });

  const at = plusSeconds(NOON, 60);
  const verifying = { number: 1, at: NOON };
  const onset = { at, recovered_at: at, seq: 2, judged: 1 };
  test.each<[string, Partial<Member>, boolean]>([
    ['an alert fires', {}, false],
    ['all alerts have ended', { firing: 0 }, true],
    ['its health is above its limit then', { firing: 0, waits_for_health: { since: at, until: at } }, false],
    ['a person declared it, and nothing fires', { firing: 0, by_hand: true }, false],
    ['an event opened it', { firing: 0, by_event: true }, false],
    ['it has had no alert', { firing: 0, signal_count: 0 }, false],
    ['an alert was only not repeated', { firing: 0, last_seen_alerts: 1 }, false],
    [
      'it is mitigated, and its alerts have not ended',
      { status: 'mitigated', verification: 'pending', verifying },
      false,
    ],
    ['its mitigation is verified', { ...over, verifying }, true],
    ['its recovery is known', { status: 'mitigated', verification: 'pending', verifying, recovered_at: at }, true],
    ['its mitigation did not help', { verification: 'failed', verifying, firing: 0, recovered_at: at }, false],
    [
      'another problem has begun',
      { verification: 'passed', verifying, new_onset: { ...onset, after: { number: 1 } } },
      false,
    ],
    [
      'another problem has begun, and is over',
      { verification: 'failed', verifying, new_onset: { ...onset, after: { number: 1 } }, recovered_at: at },
      true,
    ],
  ])('a problem is known to be over: %s', (_, more, isOver) => {
    expect(isProblemOver(member('orders', more))).toBe(isOver);
  });
});
