import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../../stores/keys.ts';
import type { Table } from '../../stores/table.ts';
import { missing, update, type Write } from '../../../platforms/store.ts';

/**
 * Number of counters for each minute of the log. Transactions that write the same item conflict; with eight counters, the
 * writers of a busy minute rarely conflict, and those that do try again.
 */
const COUNTERS = 8;

/** Keep the counters of a closed minute until no late writer is possible. */
const RETENTION_SECONDS = 30 * 24 * 3600;

/** Adds entries to a minute and counts them, unless the minute is closed. */
export const countedInMinute = (minute: string, entries: number): Write =>
  update(
    keys.logMinuteCounter(minute, Math.floor(Math.random() * COUNTERS)),
    { add: { counted: entries } },
    missing('closed'),
  );

/** Closes a minute permanently: no more entries are accepted. @returns the number of entries that were */
export async function closeMinute(table: Table, minute: string, now: Timestamp): Promise<number> {
  const counters = await Promise.all(
    Array.from({ length: COUNTERS }, (_, shard) =>
      table.update(keys.logMinuteCounter(minute, shard), {
        set: { closed: true, expires_at: Math.ceil(millisOf(now) / 1000) + RETENTION_SECONDS },
      }),
    ),
  );
  return counters.reduce((sum, counter) => sum + Number(counter?.['counted'] ?? 0), 0);
}
