import { expect, test } from 'vitest';
import { doneTasks } from '../actions/done-tasks.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { incident } from '../../../test/core/stories.ts';

const idOf = (n: number): IncidentId => IncidentId.parse(`01JCYZ7Q8M3N5P7R9T1V${String(n).padStart(6, '0')}`);

/** Incidents with a channel each, and the reads of them. */
function world() {
  let now = '2026-11-16T09:00:00.000Z';
  const reads: IncidentId[] = [];
  const overview: Product['incidents']['overview'] = async (id) => {
    reads.push(id);
    const record = incident({ id, channel_opened_at: Timestamp.parse('2026-11-10T12:00:00.000Z') });
    return { incident: record, effects: [], decisions: [] } as unknown as Awaited<ReturnType<typeof overview>>;
  };
  const deps = {
    incidents: Object.assign(Object.create(null), { overview }),
    runbooks: Object.create(null),
    clock: { now: () => Timestamp.parse(now) },
  } as Parameters<typeof doneTasks>[0];
  return { deps, reads, at: (time: string) => (now = time) };
}

test('a resolved incident is read once an hour, and one that is not resolved each time', async () => {
  const { deps, reads, at } = world();
  const week = [
    { id: idOf(1), status: 'resolved' as const },
    { id: idOf(2), status: 'mitigating' as const },
  ];
  const first = await doneTasks(deps, week);
  expect(first.map(({ incident: id, task }) => [id, task])).toEqual([
    [idOf(1), 'channel'],
    [idOf(2), 'channel'],
  ]);
  expect(await doneTasks(deps, week)).toEqual(first);
  expect(reads).toEqual([idOf(1), idOf(2), idOf(2)]);
  // Another digest with other incidents uses what is known, and only shows its own.
  expect((await doneTasks(deps, week.slice(0, 1))).map(({ incident: id }) => id)).toEqual([idOf(1)]);
  expect(reads).toHaveLength(3);
  at('2026-11-16T10:00:01.000Z');
  await doneTasks(deps, week.slice(0, 1));
  expect(reads.slice(3)).toEqual([idOf(1)]);
  await doneTasks(world().deps, week);
});

test('at most a thousand incidents are kept, the newest ones', async () => {
  const { deps, reads } = world();
  const many = Array.from({ length: 1001 }, (_, n) => ({ id: idOf(n), status: 'resolved' as const }));
  await doneTasks(deps, many);
  reads.length = 0;
  await doneTasks(deps, many.slice(1));
  expect(reads).toEqual([]);
  await doneTasks(deps, many.slice(0, 1));
  expect(reads).toEqual([idOf(0)]);
});
