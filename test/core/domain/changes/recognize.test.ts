import { describe, expect, test } from 'vitest';
import { bringsBack, runsAlready, sameRollout } from '../../../../core/domain/changes/recognize.ts';
import { before, change } from '../../arbitraries.ts';

describe('a rollout that brings an older version back', () => {
  const next = (version: string) => ({ version: version as never, started_at: before(0) });

  test.each([
    ['an older version', ['v1', 'v2'], 'v1', true],
    ['the oldest version', ['v1', 'v2', 'v3'], 'v1', true],
    ['a new version', ['v1', 'v2'], 'v3', false],
    ['the running version again', ['v1', 'v2'], 'v2', false],
    ['the same version in another notation', ['v1', '2'], 'v2', false],
    ['a version forward again, after a rollback', ['v1', 'v2', 'v1'], 'v2', false],
    ['a rollback of that', ['v1', 'v2', 'v1', 'v2'], 'v1', true],
    ['the first version', [], 'v1', false],
  ])('%s', (_, versions, version, expected) => {
    const changes = versions.map((name, n) => change(name, 100 - n));
    expect(bringsBack(changes, next(version))).toBe(expected);
  });

  test('is recognized for each object of the environment', () => {
    const rolledBack = (at: number) => [change('v1', 90), change('v1', 89), change('v2', 60), change('v1', at)];
    expect(bringsBack(rolledBack(1), next('v1'))).toBe(true);
    expect(bringsBack(rolledBack(30), next('v1'))).toBe(false); // rolled out again later
    expect(bringsBack([change('v1', 90), change('v2', 1)], next('v2'))).toBe(false);
    expect(bringsBack([change('v1', 1)], next('v1'))).toBe(false);
  });

  test('is not told by versions that never ran, or that run later', () => {
    const failed = [change('v1', 30, { status: 'failed' }), change('v2', 20)];
    expect(bringsBack(failed, next('v1'))).toBe(false);
    const later = [change('v2', 20), change('v1', -5), change('v3', -10)];
    expect(bringsBack(later, next('v1'))).toBe(false);
    expect(bringsBack([change('v1', 30, { kind: 'flag' }), change('v2', 20)], next('v1'))).toBe(false);
  });
});

test('a version that comes back after a failed one is a rollback, and may run already', () => {
  const after = (status: 'failed' | 'started' | 'succeeded') => [change('v1', 30), change('v2', 20, { status })];
  const next = (version: string) => ({ version: version as never, started_at: before(0) });
  expect(['failed', 'started', 'succeeded'].map((status) => bringsBack(after(status as 'failed'), next('v1')))).toEqual(
    [true, true, true],
  );
  expect(bringsBack(after('failed'), next('v2'))).toBe(false);
  expect(
    ['failed', 'started', 'succeeded'].map((status) => runsAlready(after(status as 'failed'), next('v1'))),
  ).toEqual([true, false, false]);
  expect(runsAlready([change('v1', 30)], next('v1'))).toBe(false);
});

describe('the same rollout of another sender', () => {
  const reported = { version: 'v2' as never, commit: 'abc', started_at: before(8), finished_at: before(5) };

  test('has the same version or commit at about the same time', () => {
    const own = change('v2', 9);
    expect(sameRollout([change('v1', 30), own], reported, 'github')).toBe(own);
    const byCommit = change('1.2.3', 3, { commit: 'abc' });
    expect(sameRollout([byCommit], reported, 'github')).toBe(byCommit);
  });

  test.each([
    ['another version', change('v1', 9)],
    ['another time', change('v2', 60)],
    ['a later redeployment', change('v2', -30)],
    ['the same sender', change('v2', 9, { reported_by: 'github' })],
    ['a flag', change('v2', 9, { kind: 'flag' })],
    ['a cancelled one', change('v2', 9, { status: 'cancelled' })],
  ])('is not %s', (_, other) => {
    expect(sameRollout([other], reported, 'github')).toBeUndefined();
  });

  test('is not one from before another version', () => {
    const first = change('v2', 9);
    const rollback = change('v1', 5, { kind: 'rollback' });
    expect(sameRollout([first, rollback], { ...reported, started_at: before(2) }, 'github')).toBeUndefined();
    expect(sameRollout([first, change('v1', 1)], { ...reported, started_at: before(2) }, 'github')).toBe(first);
  });

  test('can be known by an abbreviated commit', () => {
    const recorded = change('v5', 10, { commit: '1111111' });
    const report = { ...reported, version: '1'.repeat(40), commit: '1'.repeat(40), started_at: before(9) };
    expect(sameRollout([recorded], report as never, 'github')).toBe(recorded);
  });

  test("is Firebreak's own rollback, also for a pipeline", () => {
    const own = change('v2', 9, { kind: 'rollback', made_for: 'inc_1' });
    expect(sameRollout([change('v1', 30), own], reported, undefined)).toBe(own);
    expect(sameRollout([change('v1', 30), own], reported, 'firebreak')).toBeUndefined();
  });

  test('may still be in progress', () => {
    const running = change('v2', 40, { status: 'started', finished_at: null });
    expect(sameRollout([running], reported, 'github')).toBe(running);
    expect(sameRollout([change('v2', 9)], reported, undefined)).toBeUndefined();
  });
});

describe("a report of Firebreak's own rollback", () => {
  const [A, C] = ['1'.repeat(40), '3'.repeat(40)];
  const own = (from: string) =>
    change('v41', 9, { kind: 'rollback', commit: A, made_for: 'inc', previous_version: from });
  const report = { version: 'v41' as never, commit: C, started_at: before(8) };

  test('can have the commit of its run, if the name is not that of the version before', () => {
    const rollback = own('v42');
    expect(sameRollout([rollback], report, 'github')).toBe(rollback);
    expect(sameRollout([own('v41 (2222222)')], report, 'github')).toBeUndefined();
    expect(sameRollout([change('v41', 9, { commit: A })], report, 'github')).toBeUndefined();
    const reported = change('v41', 9, { commit: C, reported_by: 'github' });
    expect(sameRollout([reported], own('v42'), 'firebreak')).toBe(reported);
  });

  test('is none of another name, nor much later', () => {
    expect(sameRollout([own('v42')], { ...report, version: 'v40' as never }, 'github')).toBeUndefined();
    expect(sameRollout([own('v42')], { ...report, started_at: before(-30) }, 'github')).toBeUndefined();
  });
});
