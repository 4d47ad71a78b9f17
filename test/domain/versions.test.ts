import { describe, expect, test } from 'vitest';
import { GOOD_AFTER_SECONDS, liveChange, rollbackTarget, shippedSince } from '../../domain/versions.ts';
import type { Change } from '../../schemas/change.ts';
import type { Version } from '../../schemas/names.ts';
import { plusSeconds } from '../../schemas/time.ts';
import { before, change } from './arbitraries.ts';

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

  test('that was live for 30 minutes when the next one began', () => {
    expect(target(...liveFor(GOOD_AFTER_SECONDS))).toBe('v1');
  });

  test('not that was live for a second less', () => {
    expect(target(...liveFor(GOOD_AFTER_SECONDS - 1))).toBeUndefined();
  });

  test('not that is only said to have begun', () => {
    expect(target(change('v1', 240, { status: 'started', finished_at: null }), change('v2', 10))).toBeUndefined();
  });

  test.each(['failed', 'cancelled'] as const)('not that %s', (status) => {
    expect(target(change('v1', 240, { status }), change('v2', 10))).toBeUndefined();
  });

  test('not that has been rolled back once, even if it is deployed again', () => {
    const changes = [change('v0', 500), change('v1', 400, { rolled_back_by: 'some incident' }), change('v1', 240)];
    expect(target(...changes, change('v2', 10))).toBe('v0');
  });

  test('that a rollback has brought back', () => {
    expect(target(change('v1', 240, { kind: 'rollback' }), change('v2', 10))).toBe('v1');
  });

  test('by its own times: how long it took to roll out is not time that it was live', () => {
    const slow = { ...change('v1', 60), finished_at: before(20) };
    expect(target(slow, change('v2', 10))).toBeUndefined();
  });
});

describe('the target of a rollback', () => {
  test('is the newest that is known good', () => {
    expect(target(change('v1', 400), change('v2', 240), change('v3', 10))).toBe('v2');
  });

  test('is older than what a rollback has brought back, which skipped some', () => {
    const skipped = [change('c1', 600), change('c2', 500), change('c3', 400), change('c4', 300), change('c5', 200)];
    expect(target(...skipped, change('c2', 10, { kind: 'rollback' }))).toBe('c1');
    expect(target(...skipped, change('c0', 10, { kind: 'rollback' }))).toBeUndefined();
    expect(target(...skipped, change('c2', 100, { kind: 'rollback' }), change('c6', 10))).toBe('c2');
  });

  test('is passed over when it was live for a moment only', () => {
    expect(target(change('v1', 400), change('v2', 20), change('v3', 10))).toBe('v1');
  });

  test('is never the version of the suspect itself', () => {
    expect(target(change('v1', 400), change('v2', 240), change('v2', 10))).toBe('v1');
  });

  test('is never later than the suspect', () => {
    const suspect = change('v2', 200);
    expect(rollbackTarget([suspect, change('v3', 100), change('v4', 5)], suspect)).toEqual({ kind: 'none_known_good' });
  });

  test('is no flag', () => {
    expect(target(change('v1', 400), change('dark-mode', 240, { kind: 'flag' }), change('v2', 10))).toBe('v1');
  });
});

describe('what runs', () => {
  test('is the newest that is live or about to be', () => {
    expect(liveChange([change('v2', 10, { status: 'started' }), change('v1', 240)])?.version).toBe('v2');
  });

  test('is not what failed, was cancelled, or is no version', () => {
    const changes = [
      change('v1', 240),
      change('v2', 30, { status: 'failed' }),
      change('v3', 20, { status: 'cancelled' }),
      change('v4', 10, { kind: 'migration' }),
    ];
    expect(liveChange(changes)?.version).toBe('v1');
  });

  test('is nothing that is known, at first', () => {
    expect(liveChange([])).toBeUndefined();
  });
});

describe('shipped since', () => {
  const since = (version: string, ...changes: Change[]) => shippedSince(changes, version as Version)?.version;

  test('is what was deployed after it', () => {
    expect(since('v2', change('v1', 240), change('v2', 10), change('v3', 2))).toBe('v3');
  });

  test('is nothing while it runs itself', () => {
    expect(since('v2', change('v1', 240), change('v2', 10))).toBeUndefined();
  });

  test('is nothing after it was deployed once more', () => {
    expect(since('v2', change('v2', 240), change('v3', 100), change('v2', 10))).toBeUndefined();
  });

  test('is not what ran before a deploy that failed', () => {
    expect(since('v2', change('v1', 240), change('v2', 10, { status: 'failed' }))).toBeUndefined();
  });

  test('is whatever runs, where it was never recorded itself', () => {
    expect(since('v2', change('v1', 240))).toBe('v1');
  });
});
