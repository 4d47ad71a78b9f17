import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../core/keys.ts';
import type { Table, Write } from '../core/table.ts';

/**
 * Number of counters for each minute of the log. Transactions that write the same item conflict; with eight counters, the
 * writers of a busy minute rarely conflict, and those that do try again.
 */
const COUNTERS = 8;

/** Keep the counters of a closed minute until no late writer is possible. */
const RETENTION_SECONDS = 30 * 24 * 3600;

/** Adds entries to a minute and counts them, unless the minute is closed. */
export const countedInMinute = (table: Table, minute: string, entries: number): Write =>
  table.update(keys.logMinuteCounter(minute, Math.floor(Math.random() * COUNTERS)), {
    UpdateExpression: 'ADD #counted :entries',
    ConditionExpression: 'attribute_not_exists(#closed)',
    ExpressionAttributeNames: { '#counted': 'counted', '#closed': 'closed' },
    ExpressionAttributeValues: { ':entries': entries },
  });

/** Closes a minute permanently: no more entries are accepted. @returns the number of entries that were */
export async function closeMinute(table: Table, minute: string, now: Timestamp): Promise<number> {
  const counters = await Promise.all(
    Array.from({ length: COUNTERS }, (_, shard) =>
      table.touch(keys.logMinuteCounter(minute, shard), {
        UpdateExpression: 'SET #closed = :true, expires_at = :expires',
        ExpressionAttributeNames: { '#closed': 'closed' },
        ExpressionAttributeValues: { ':true': true, ':expires': Math.ceil(millisOf(now) / 1000) + RETENTION_SECONDS },
        ReturnValues: 'ALL_NEW',
      }),
    ),
  );
  return counters.reduce((sum, counter) => sum + Number(counter?.['counted'] ?? 0), 0);
}
