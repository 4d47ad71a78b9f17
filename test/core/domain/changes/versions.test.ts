import { describe, expect, test } from 'vitest';
import {
  GOOD_AFTER_SECONDS,
  newestLiveChange,
  patchedChange,
  rollbackTarget,
  newerLiveChange,
  sameVersion,
} from '../../../../core/domain/changes/versions.ts';
import { type Change, STEPS_MAX } from '../../../../schemas/changes/change.ts';
import type { Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { before, change } from '../../arbitraries.ts';

const target = (...changes: Change[]): string | undefined => {
  const suspect = changes.at(-1);
  if (suspect === undefined) throw new Error('the last of the changes is the suspect');
  const found = rollbackTarget(changes, suspect);
  return found.kind === 'version' ? found.version : undefined;
};

describe('a version is known good', () => {
  const liveFor = (seconds: number): Change[] => {
    const suspect = change('v2', 10);
    const good = change('v1', 240);
    return [{ ...good, finished_at: plusSeconds(suspect.started_at, -seconds) }, suspect];
  };

  test('if it was live for 30 minutes when its successor started', () => {
    expect(target(...liveFor(GOOD_AFTER_SECONDS))).toBe('v1');
  });

  test('but not if it was live for a second less', () => {
    expect(target(...liveFor(GOOD_AFTER_SECONDS - 1))).toBeUndefined();
  });

  test('but not if it only started', () => {
    expect(target(change('v1', 240, { status: 'started', finished_at: null }), change('v2', 10))).toBeUndefined();
  });

  test.each(['failed', 'cancelled'] as const)('but not if it %s', (status) => {
    expect(target(change('v1', 240, { status }), change('v2', 10))).toBeUndefined();
  });

  test('but not if it was ever rolled back, even if it is deployed again', () => {
    const changes = [change('v0', 500), change('v1', 400, { rolled_back_by: 'some incident' }), change('v1', 240)];
    expect(target(...changes, change('v2', 10))).toBe('v0');
  });

  test('if a rollback restored it', () => {
    expect(target(change('v1', 240, { kind: 'rollback' }), change('v2', 10))).toBe('v1');
  });

  test('by its recorded times: the roll-out does not count as live', () => {
    const slow = { ...change('v1', 60), finished_at: before(20) };
    expect(target(slow, change('v2', 10))).toBeUndefined();
  });
});

describe('of changes that started at the same time,', () => {
  const at = (version: string, id: string, more: Partial<Change> = {}): Change =>
    change(version, 60, { id: id as Change['id'], ...more });

  test('the one that ended last is live, whatever their IDs', () => {
    const first = at('v1', 'chg_b', { finished_at: before(50) });
    const last = at('v2', 'chg_a', { finished_at: before(40) });
    expect(newestLiveChange([first, last])).toBe(last);
    expect(newestLiveChange([last, first])).toBe(last);
  });

  test('the one that is in progress is the last', () => {
    const ended = at('v1', 'chg_b', { finished_at: before(40) });
    const started = at('v2', 'chg_a', { status: 'started', finished_at: null });
    expect(newestLiveChange([started, ended])).toBe(started);
  });

  test('the one that was recorded last is live if they also ended at the same time', () => {
    const [first, last] = [
      at('v1', 'chg_b', { recorded_at: before(59) }),
      at('v2', 'chg_a', { recorded_at: before(58) }),
    ];
    expect(newestLiveChange([last, first])).toBe(last);
  });

  test('an earlier one is before a rollback: what it restored is known', () => {
    const good = change('v1', 600);
    const restored = at('v1', 'chg_a', { kind: 'rollback', finished_at: before(50) });
    const bad = at('v2', 'chg_b', { finished_at: before(55), rolled_back_by: 'some incident' });
    expect(target(good, bad, restored, change('v3', 10))).toBe('v1');
  });
});

describe('the target of a rollback', () => {
  test('is the newest known good version', () => {
    expect(target(change('v1', 400), change('v2', 240), change('v3', 10))).toBe('v2');
  });

  test('is older than the version that a rollback restored, which skipped some', () => {
    const skipped = [change('c1', 600), change('c2', 500), change('c3', 400), change('c4', 300), change('c5', 200)];
    expect(target(...skipped, change('c2', 10, { kind: 'rollback' }))).toBe('c1');
    expect(target(...skipped, change('c0', 10, { kind: 'rollback' }))).toBeUndefined();
    expect(target(...skipped, change('c2', 100, { kind: 'rollback' }), change('c6', 10))).toBe('c2');
  });

  test('is not a version that was live only briefly', () => {
    expect(target(change('v1', 400), change('v2', 20), change('v3', 10))).toBe('v1');
  });

  test("is never the suspect's own version", () => {
    expect(target(change('v1', 400), change('v2', 240), change('v2', 10))).toBe('v1');
  });

  test('is never newer than the suspect', () => {
    const suspect = change('v2', 200);
    expect(rollbackTarget([suspect, change('v3', 100), change('v4', 5)], suspect)).toEqual({ kind: 'none_known_good' });
  });

  test('is not a flag change', () => {
    expect(target(change('v1', 400), change('dark-mode', 240, { kind: 'flag' }), change('v2', 10))).toBe('v1');
  });
});

describe('the running version', () => {
  test('is the newest that is live or rolling out', () => {
    expect(newestLiveChange([change('v2', 10, { status: 'started' }), change('v1', 240)])?.version).toBe('v2');
  });

  test('is not a failed or cancelled one, or a change without a version', () => {
    const changes = [
      change('v1', 240),
      change('v2', 30, { status: 'failed' }),
      change('v3', 20, { status: 'cancelled' }),
      change('v4', 10, { kind: 'migration' }),
    ];
    expect(newestLiveChange(changes)?.version).toBe('v1');
  });

  test('is unknown at first', () => {
    expect(newestLiveChange([])).toBeUndefined();
  });
});

describe('the version deployed since', () => {
  const since = (version: string, ...changes: Change[]) => newerLiveChange(changes, version as Version)?.version;

  test('is the one deployed after it', () => {
    expect(since('v2', change('v1', 240), change('v2', 10), change('v3', 2))).toBe('v3');
  });

  test('is none while it is running', () => {
    expect(since('v2', change('v1', 240), change('v2', 10))).toBeUndefined();
  });

  test('is none after it was deployed again', () => {
    expect(since('v2', change('v2', 240), change('v3', 100), change('v2', 10))).toBeUndefined();
  });

  test('is not the version before a failed deploy', () => {
    expect(since('v2', change('v1', 240), change('v2', 10, { status: 'failed' }))).toBeUndefined();
  });

  test('is the running version if it was never recorded', () => {
    expect(since('v2', change('v1', 240))).toBe('v1');
  });
});

describe('two names of a version are the same', () => {
  const commit = '4c1f0d9b6c2d44c5e8f60718293a4b5c6d7e8f90';

  test.each([
    ['v42', '42'],
    ['V1.2.3', '1.2.3'],
    [commit, commit.slice(0, 7)],
    [commit.slice(0, 12).toUpperCase(), commit],
    [commit, `sha-${commit.slice(0, 7)}`],
    ['sha-4c1f0d9', '4c1f0d9'],
  ])('%s and %s', (a, b) => {
    expect(sameVersion(a, b)).toBe(true);
    expect(sameVersion(b, a)).toBe(true);
  });

  test.each([
    ['1.2.3', '1.2.30'],
    ['vintage', 'intage'],
    // Only a whole commit is known to be shortened: these can be two builds of a day.
    ['20261123', '2026112301'],
    [commit, commit.slice(0, 6)],
    [commit, '5c1f0d9'],
    ['sha-next', 'next'],
  ])('%s and %s are not', (a, b) => {
    expect(sameVersion(a, b)).toBe(false);
    expect(sameVersion(b, a)).toBe(false);
  });
});

test.each([
  ['that version', ['v41', 'v41', 'v42']],
  ['that commit of a branch', ['6.4 (1111111)', '6.4 (3333333)', '6.4 (2222222)']],
])('the target after a rollback by a revert of %s is the version before it', (_, [good, reverted, bad]) => {
  const branch = good === reverted ? {} : { reported_version: '6.4' as never };
  const changes = [
    change('v40', 300),
    change(good as string, 200, branch),
    change(bad as string, 100, branch),
    change(reverted as string, 90, {
      kind: 'rollback',
      commit: '3'.repeat(40),
      previous_version: bad as never,
      ...branch,
    }),
  ];
  expect(rollbackTarget(changes, changes[3] as Change)).toMatchObject({ kind: 'version', version: 'v40' });
});

describe('a report of the share of a canary', () => {
  const started = (weight: number | null) =>
    change('v2', 10, { status: 'started', finished_at: null, canary_weight: weight });
  const reports = (first: Change, ...weights: (number | null | undefined)[]): Change =>
    weights.reduce<Change>((known, canary_weight, minutes) => {
      const patched = patchedChange(known, { canary_weight }, before(9 - minutes));
      return patched === 'ended' ? expect.unreachable() : patched;
    }, first);

  test('is a step, the first one since the start', () => {
    const first = started(0.1);
    expect(reports(first, 0.1, 0.5, undefined, 0.5, 0).canary_steps).toEqual([
      { at: first.started_at, weight: 0.1 },
      { at: before(8), weight: 0.5 },
      { at: before(5), weight: 0 },
    ]);
  });

  test('is the first one if the share before is unknown, which it does not stand for', () => {
    expect(reports(started(null), 0.1, 0.5).canary_steps).toEqual([
      { at: before(9), weight: 0.1 },
      { at: before(8), weight: 0.5 },
    ]);
  });

  test('is none if the share is told only with the end', () => {
    const ended = patchedChange(started(null), { canary_weight: 0.5, status: 'succeeded' }, before(5));
    expect(ended).toMatchObject({ canary_weight: 0.5 });
    expect(ended).not.toHaveProperty('canary_steps');
  });

  test('drops the oldest ones', () => {
    const weights = Array.from({ length: 2 * STEPS_MAX }, (_, index) => index / 100);
    const { canary_steps: steps } = reports(started(0.9), ...weights);
    expect(steps).toHaveLength(STEPS_MAX);
    expect(steps?.at(-1)?.weight).toBe(weights.at(-1));
  });
});
