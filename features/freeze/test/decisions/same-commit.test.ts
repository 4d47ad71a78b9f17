import { expect, test } from 'vitest';
import { isPinnedAs, isSameCommit as isSameOffline } from '../../../../entrances/cli/offline/pinned.mjs';
import { isSameCommit } from '../../../../core/domain/changes/version-identity.ts';
import { isVersionNamed } from '../../decisions/exemptions/pinned.ts';

const SHA = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';

test.each<[string, string, boolean]>([
  [SHA, SHA, true],
  [SHA, SHA.toUpperCase(), true],
  [SHA, SHA.slice(0, 7), true],
  [SHA.slice(0, 8), SHA.slice(0, 12), true],
  [SHA, SHA.slice(0, 6), false],
  [SHA, SHA.slice(1, 12), false],
  ['release-7', 'RELEASE-7', true],
  ['release-77', 'release-7', false],
  ['', '', false],
  [SHA, '', false],
])('%j and %j are the same commit: %s, on the server and without Firebreak', (one, other, same) => {
  expect([isSameCommit(one, other), isSameCommit(other, one), isSameOffline(one, other)]).toEqual([same, same, same]);
});

test.each<[string, string, boolean]>([
  ['v2', 'v2', true],
  ['v2', 'V2', false],
  // Dates consist of hexadecimal digits, too.
  ['20261120', '202611201', false],
  [SHA, SHA.slice(0, 9), true],
])('the version %j is also named %j: %s, on the server and without Firebreak', (version, name, same) => {
  expect(isVersionNamed(version, name)).toBe(same);
  expect(isPinnedAs(name, { versions: [version], commits: [] })).toBe(same);
});
