import { expect, test } from 'vitest';
import { changesSince, isRollbackOutside } from '../actions/team-digest.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { Timestamp } from '../../../schemas/time/time.ts';

const change = (started_at: string, more: Partial<Change> = {}): Change =>
  ({
    kind: 'rollback',
    status: 'succeeded',
    made_for: null,
    started_at: Timestamp.parse(started_at),
    ...more,
  }) as Change;

/** Pages of a list of changes, newest first, and how many were read. */
function listOf(pages: Change[][]) {
  const read: (string | undefined)[] = [];
  const list = async ({ cursor }: { cursor?: string }) => {
    read.push(cursor);
    const n = Number(cursor ?? 0);
    return { items: pages[n] ?? [], next_cursor: n + 1 < pages.length ? String(n + 1) : null };
  };
  return { read, deps: { changes: Object.assign(Object.create(null), { list }) } };
}

const since = Timestamp.parse('2026-11-09T09:00:00.000Z');

test('reads changes up to the first that is too old', async () => {
  const { deps, read } = listOf([
    [change('2026-11-15T00:00:00Z'), change('2026-11-14T00:00:00Z')],
    [change('2026-11-10T00:00:00Z'), change('2026-11-08T00:00:00Z')],
    [change('2026-11-07T00:00:00Z')],
  ]);
  const { items, isComplete } = await changesSince(deps, since);
  expect([items.length, isComplete, read.length]).toEqual([3, true, 2]);
});

test('says that there are too many changes', async () => {
  const { deps } = listOf(Array.from({ length: 60 }, () => [change('2026-11-15T00:00:00Z')]));
  expect(await changesSince(deps, since)).toMatchObject({ isComplete: false });
});

test('counts rollbacks that succeeded, and that Firebreak did not do', () => {
  const at = '2026-11-15T00:00:00Z';
  expect(isRollbackOutside(change(at))).toBe(true);
  expect(isRollbackOutside(change(at, { made_for: 'incident' }))).toBe(false);
  expect(isRollbackOutside(change(at, { status: 'failed' }))).toBe(false);
  expect(isRollbackOutside(change(at, { kind: 'deploy' }))).toBe(false);
});
