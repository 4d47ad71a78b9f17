import { expect, test } from 'vitest';
import { withIdentities } from '../../../../core/domain/changes/identified-versions.ts';
import { checkRollbackVersion, knownGood } from '../../decisions/exemptions/rollback-version.ts';
import { change } from '../../../../test/core/arbitraries.ts';

const DAY = 24 * 60;
const versions = (...args: Parameters<typeof knownGood>) => knownGood(...args).map(({ version }) => version);

test('returns versions that ran well before the current one, newest first', () => {
  const changes = [change('v1', 3 * DAY), change('v2', 2 * DAY), change('v3', DAY)];
  expect(versions(changes, [], 20)).toEqual(['v2', 'v1']);
});

test('returns each version once, with its commit', () => {
  const changes = [change('v1', 3 * DAY, { commit: 'c1' }), change('v1', 2 * DAY, { commit: 'c1' }), change('v2', DAY)];
  expect(knownGood(changes, [], 20)).toEqual([{ version: 'v1', commit: 'c1' }]);
});

test('excludes versions that are pinned, failed, ran too briefly, or were rolled back', () => {
  const changes = [
    change('good', 6 * DAY),
    change('pinned', 5 * DAY),
    change('failed', 4 * DAY, { status: 'failed' }),
    change('short', 3 * DAY),
    change('undone', 3 * DAY - 10, { rolled_back_by: 'somebody' }),
    change('now', DAY),
  ];
  expect(versions(changes, ['pinned'], 20)).toEqual(['good']);
});

test('returns at most the maximum', () => {
  const changes = Array.from({ length: 50 }, (_, n) => change(`v${n}`, (50 - n) * DAY));
  expect(versions(changes, [], 3)).toEqual(['v48', 'v47', 'v46']);
});

test('tells the commits of a branch apart, also beside a deploy of the branch without a commit', () => {
  const [A, B] = ['a'.repeat(40), 'b'.repeat(40)];
  const changes = withIdentities(
    [
      change('6.4', 5 * DAY, { commit: B }),
      change('6.4', 4 * DAY, { commit: A }),
      change('6.4', 3 * DAY),
      change('7.0', DAY),
    ],
    { stays: false },
  );
  expect(versions(changes, [], 20)).toEqual(['6.4 (aaaaaaa)', '6.4 (bbbbbbb)']);
  expect(checkRollbackVersion(changes, { version: '6.4', commit: A }).kind).toBe('known_good');
  expect(checkRollbackVersion(changes, { version: '6.4', commit: null }).kind).toBe('not_known');
});

test('names no commit of a repository for deployments, which clients do not compare with that of the application', () => {
  const applied = { commit: 'd'.repeat(40), reported_by: 'argo-cd' };
  expect(knownGood([change('v1', 3 * DAY, applied), change('v2', DAY, applied)], [], 20)).toEqual([
    { version: 'v1', commit: null },
  ]);
});
