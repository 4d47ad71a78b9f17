import { describe, expect, test } from 'vitest';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { before, change, clear } from '../../arbitraries.ts';

/** Samples of each minute until now: errors since 26 minutes before noon, and others since a number of minutes before it. */
const errors = (later = 0.4, since = 0): Evidence['health'] => ({
  max: 0.01,
  window: 120,
  curve: Array.from({ length: 120 }, (_, index) => 119 - index).map(
    (minutes) => [before(minutes), minutes > 26 ? 0.001 : minutes > since ? 0.4 : later] as const,
  ),
});

/** v2 fails since 26 minutes; v3 replaced it eight minutes ago. */
const v3 = (more: Partial<Change> = {}): Change => change('v3', 12, { has_migration: false, ...more });
const decided = (health: Evidence['health'], newer = v3()) =>
  decide(
    clear({
      changes: [change('v1', 300), change('v2', 30, { has_migration: false }), newer],
      evidence: { health },
      policy: { evidence: 'proved' },
    }),
  );

describe('a suspect that a newer deploy has replaced', () => {
  test('is asked about if errors have not fallen since: the rollback undoes both', () => {
    const decision = decided(errors());
    expect(decision).toMatchObject({ kind: 'approve', from: null, target: { service: 'checkout' } });
    expect(decision.offers).toMatchObject([{ act: 'roll_back', from_version: 'v3', to_version: 'v1' }]);
    expect(decision.offers?.map(({ change_id }) => change_id)).toEqual([decision.suspect]);
    expect(decision.reasons[0]).toEqual({
      code: 'superseded',
      text: 'v3 was deployed since and has not helped: a rollback to v1 undoes it as well as v2',
    });
  });

  test('is asked about with the migration of the newer one', () => {
    const codes = decided(errors(), v3({ has_migration: true })).reasons.map(({ code }) => code);
    expect(codes).toContain('migration_in_deploy');
  });

  test.each<[string, Evidence['health'], Change?]>([
    ['errors have fallen: the newer one is the fix', errors(0.2, 6)],
    ['errors have ended', errors(0.001, 6)],
    ['the newer one is still rolling out', errors(), v3({ finished_at: null, status: 'started' })],
    ['its values describe the time before it as well', errors(), v3({ finished_at: before(1.5) })],
  ])('is only reported if %s', (_, health, newer) => {
    const decision = decided(health, newer);
    expect(decision.offers).toBeUndefined();
    expect(['suggest', 'none']).toContain(decision.kind);
  });
});
