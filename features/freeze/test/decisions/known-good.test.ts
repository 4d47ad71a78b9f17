import { expect, test } from 'vitest';
import { knownGood } from '../../decisions/exemptions/rollback-version.ts';
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
