import { expect, test } from 'vitest';
import { knownGood } from '../../../domain/freeze/known-good.ts';
import { change } from '../arbitraries.ts';

const DAY = 24 * 60;
const versions = (...args: Parameters<typeof knownGood>) => knownGood(...args).map(({ version }) => version);

test('what ran well before what runs now, the newest first', () => {
  const changes = [change('v1', 3 * DAY), change('v2', 2 * DAY), change('v3', DAY)];
  expect(versions(changes, [], 20)).toEqual(['v2', 'v1']);
});

test('it comes with its commit, and once', () => {
  const changes = [change('v1', 3 * DAY, { commit: 'c1' }), change('v1', 2 * DAY, { commit: 'c1' }), change('v2', DAY)];
  expect(knownGood(changes, [], 20)).toEqual([{ version: 'v1', commit: 'c1' }]);
});

test('nothing that is known bad, failed, ran too short, or was rolled back', () => {
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

test('not more than so many', () => {
  const changes = Array.from({ length: 50 }, (_, n) => change(`v${n}`, (50 - n) * DAY));
  expect(versions(changes, [], 3)).toEqual(['v48', 'v47', 'v46']);
});
