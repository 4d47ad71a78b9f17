import { describe, expect, test } from 'vitest';
import type { Evidence, Failing } from '../../../../core/domain/correlation/evidence.ts';
import type { DecisionInputs } from '../../../../core/domain/rollback/judgement.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { before, change, clear } from '../../arbitraries.ts';

const SIBLING = '01K8ZTEST00000000000000002' as IncidentId;

/** Samples of each minute: healthy until noon, then at this level. */
const curve = (bad: number) =>
  Array.from({ length: 92 }, (_, index) => [before(90 - index), index < 90 ? 0.001 : bad] as const);

const level = (version: string, bad: number) => ({ version, curve: curve(bad), traffic: null });

const failing = (service: string, relation: Failing['relation']): Failing => ({
  service,
  relation,
  since: before(0),
  changed_at: null,
});

const CALLERS = ['cart', 'search', 'web'].map((name) => failing(name, 'dependent'));

/** v2 is rolling out and fails beside v1, in a group of which nothing was rolled back. */
const child = (evidence: Partial<Evidence> = {}, more: Partial<DecisionInputs> = {}): DecisionInputs => ({
  ...clear({
    changes: [
      change('v1', 240),
      change('v2', 4, { finished_at: null, status: 'started', has_migration: false, canary_weight: 0.5 }),
    ],
    evidence: {
      health: { max: 0.01, curve: curve(0.08) },
      by_version: [level('v1', 0.001), level('v2', 0.2)],
      failing: CALLERS,
      ...evidence,
    },
    policy: { evidence: 'proved' },
    one_of_many: true,
  }),
  group_rollback: null,
  ...more,
});

const asks = (inputs: DecisionInputs): string => {
  const { kind, reasons } = decide(inputs);
  return `${kind}: ${reasons[0]?.code}: ${reasons[0]?.text}`;
};

describe('a child of a parent incident is rolled back automatically', () => {
  test('if its version fails beside a healthy one, and the other failing services depend on it', () => {
    expect(decide(child())).toMatchObject({ kind: 'roll_back', from: 'v2', to: 'v1' });
  });

  test('if one other service fails besides: it may be a caller that nobody declared', () => {
    expect(decide(child({ failing: [...CALLERS, failing('mail', 'unrelated')] }))).toMatchObject({ kind: 'roll_back' });
  });
});

describe('a person decides about a child', () => {
  test('whose suspect is not proved, whatever evidence the policy demands', () => {
    const inputs = child({ by_version: null });
    const byTime = inputs.targets.map((one) => ({ ...one, policy: { ...one.policy, evidence: 'time' as const } }));
    for (const targets of [inputs.targets, byTime])
      expect(decide({ ...inputs, targets })).toMatchObject({
        kind: 'approve',
        reasons: expect.arrayContaining([expect.objectContaining({ code: 'one_of_many' })]),
      });
  });

  test('if two other services fail for another reason', () => {
    expect(asks(child({ failing: [...CALLERS, failing('mail', 'unrelated'), failing('ads', 'unrelated')] }))).toBe(
      'approve: one_of_many: several services are failing at once, and v2 does not explain why ads and mail fail',
    );
  });

  test('if something that it depends on fails, although later', () => {
    const later = { ...failing('payments', 'dependency'), since: before(-1) };
    const measured = { earliest: before(-0.6), latest: before(-0.7) };
    expect(asks(child({ failing: [...CALLERS, { ...later, measured }] }))).toMatch(
      /v2 does not explain why payments fails/,
    );
  });

  test('if other failing services are ignored, because it is not known whether they depend on it', () => {
    expect(asks(child({ failing: [], strangers_ignored: true }))).toMatch(/^approve: one_of_many: .*it is not known/);
  });

  test('if another child was rolled back automatically', () => {
    expect(asks(child({}, { group_rollback: SIBLING }))).toBe(
      `approve: group_rolled_back: incident ${SIBLING} of the same group has already rolled a service back`,
    );
  });

  test('without a parent, if many incidents opened around it', () => {
    const { group_rollback: _, ...alone } = child();
    expect(asks(alone)).toMatch(/^approve: one_of_many/);
  });

  test('if another guard asks: many incidents do not replace it', () => {
    const newer = child({ by_version: [level('v1', 0.001), level('v2', 0.2), level('v0', 0.001)] });
    const changes = newer.evidence.changes.map((one) => ({ ...one, change: { ...one.change, has_migration: true } }));
    const targets = newer.targets.map((one) => ({ ...one, changes: changes.map((of) => of.change) }));
    expect(asks({ ...newer, evidence: { ...newer.evidence, changes }, targets })).toMatch(
      /^approve: migration_in_deploy/,
    );
  });
});
