import { BoundedMap } from '../../../core/domain/bounded-map.ts';
import { onceFor } from '../../../core/domain/once-for.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import { type DoneTask, tasksIn } from '../decisions/team-digest.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { pooled } from '../../../core/domain/concurrency.ts';

/** How long the tasks of a resolved incident are cached: only an action after its end, which is rare, adds to them. */
const CACHED_SECONDS = 3600;

/** More than the incidents of one digest. */
const CACHED_MAX = 1000;

const AT_ONCE = 8;

type Cached = { until: Timestamp; tasks: readonly DoneTask[] };

/** A cache for each store: a process can have several, such as the tests. */
const cacheOf = onceFor(() => new BoundedMap<Cached>(CACHED_MAX));

/**
 * Returns the tasks that were done in incidents, newest incident first. An incident has many items in the table, so the
 * tasks of a resolved incident are read at most once an hour, for all digests together.
 */
export async function doneTasks(
  deps: Pick<Deps, 'incidents' | 'runbooks' | 'clock'>,
  all: readonly Pick<IncidentRecord, 'id' | 'status'>[],
): Promise<DoneTask[]> {
  const cache = cacheOf(deps.incidents);
  const now = deps.clock.now();
  const found = new Map<IncidentId, readonly DoneTask[]>();
  await pooled(all, AT_ONCE, async ({ id, status }) => {
    const before = cache.get(id);
    const isKnown = before !== undefined && before.until > now && status === 'resolved';
    const tasks = isKnown ? before.tasks : await readTasks(deps, id);
    found.set(id, tasks);
    if (isKnown) return;
    if (status === 'resolved') cache.set(id, { until: plusSeconds(now, CACHED_SECONDS), tasks });
    else cache.delete(id);
  });
  return all.flatMap(({ id }) => found.get(id) ?? []);
}

async function readTasks(
  { incidents, runbooks }: Pick<Deps, 'incidents' | 'runbooks'>,
  id: IncidentId,
): Promise<DoneTask[]> {
  const overview = await incidents.overview(id);
  if (overview === undefined) return [];
  const numbers = overview.effects.flatMap(({ key }) => {
    const [, number] = /\.runbook\.(\d+)\./.exec(key) ?? [];
    return number === undefined ? [] : [Number(number)];
  });
  const runs = await Promise.all(
    [...new Set(numbers)].map(async (number) => [number, await runbooks.run(id, number)] as const),
  );
  return tasksIn({ ...overview, runs: new Map(runs.map(([number, run]) => [number, { by: run?.by }])) });
}
