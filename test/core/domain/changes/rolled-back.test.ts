import { expect, test } from 'vitest';
import { previousOf, rolledBackBy } from '../../../../core/domain/changes/rolled-back.ts';
import { alreadyRolledBack } from '../../../../core/domain/rollback/guard-facts.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { change } from '../../arbitraries.ts';

const v1 = change('v1', 300);
const v2 = change('v2', 60);
const v3 = change('v3', 30);
const rollback = (version: string, minutesAgo: number, more: Partial<Change> = {}): Change => ({
  ...change(version, minutesAgo),
  id: `chg_back_${version}_${minutesAgo}` as Change['id'],
  kind: 'rollback',
  ...more,
});

test.each<[string, Change[], Change, string | null]>([
  ['removes the version that ran', [v1, v2], rollback('v1', 5), 'v2'],
  ['removes the newest version, if it goes back several', [v1, v2, v3], rollback('v1', 5), 'v3'],
  ['removes the version that the record names', [v1, v2, v3], rollback('v1', 5, { previous_version: 'v2' }), 'v2'],
  ['to a version that was never recorded', [v2], rollback('v1', 5), 'v2'],
  ['to a newer version, which is no way back', [v1, v2, v3], rollback('v3', 5, { previous_version: 'v2' }), null],
  ['of nothing', [], rollback('v1', 5), null],
  ['that failed', [v1, v2], rollback('v1', 5, { status: 'failed' }), null],
  ['that has not ended', [v1, v2], rollback('v1', 5, { status: 'started' }), null],
  ['after which another version was deployed', [v1, v2, v3], rollback('v1', 45), null],
  ['that is an ordinary deploy', [v1, v2], { ...change('v1', 5), id: 'chg_again' as Change['id'] }, null],
  ['of a flag', [v1, v2], rollback('basket', 5, { kind: 'flag' }), null],
])('a rollback %s', (_, changes, rolled, removed) => {
  expect(rolledBackBy([...changes, rolled], rolled)?.version ?? null).toBe(removed);
});

test('the name of a branch means the commit that was live before the rollback', () => {
  const [good, bad] = [
    change('6.4 (1111111)', 120, { reported_version: '6.4' as never }),
    change('6.4 (2222222)', 60, { reported_version: '6.4' as never }),
  ];
  const back = rollback('v1', 50, { previous_version: '6.4' });
  const again = change('6.4 (2222222)', 10, { reported_version: '6.4' as never });
  const changes = [v1, good, bad, back, again];
  expect(previousOf(changes, back)).toBe(bad);
  expect(rolledBackBy([v1, good, bad, back], back)).toBe(bad);
  expect([bad, good].map((version) => alreadyRolledBack(changes, version, back.version))).toEqual([true, false]);
});
