import { changeWrites, newChange } from '../../../core/stores/changes/changes.ts';
import type { Table } from '../../../core/stores/table.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

const WINDOW_SECONDS = 28 * 24 * 3600;

/** Transactions at the same time. */
const AT_ONCE = 100;

/** Writes deploys of four weeks, spread over the services. @param first number of the first one, which is in its version */
export async function storeDeploys(
  table: Table,
  services: readonly string[],
  { count, now, first = 0 }: { count: number; now: Timestamp; first?: number },
): Promise<void> {
  const write = async (n: number): Promise<void> => {
    const started_at = plusSeconds(now, -60 - Math.floor(((n + 1) * WINDOW_SECONDS) / (count + 1)));
    const name = String(first + n).padStart(6, '0'); // all records have the same size
    const change = NewChange.parse({
      service: services[(n * 7) % services.length],
      environment: 'production',
      version: `v${name}`,
      kind: n % 50 === 7 ? 'rollback' : 'deploy',
      status: 'succeeded',
      started_at,
      finished_at: plusSeconds(started_at, 50),
      commits: [{ sha: `commit-${name}`, committed_at: plusSeconds(started_at, -3600) }],
    });
    const { ok } = await table.transact(changeWrites(newChange(change, now, null), { onlyNew: true }));
    if (!ok) throw new Error('the deploys could not be written');
  };
  for (let from = 0; from < count; from += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, n) => write(from + n)));
}
