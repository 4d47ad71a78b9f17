import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../core/keys.ts';
import type { Table, Write } from '../core/table.ts';

/**
 * Counters for each minute of the log. Transactions that write the same item conflict; with eight counters, the writers
 * of a busy minute rarely conflict, and those that do try again.
 */
const GATES = 8;

/** Keep a closed gate until no late writer is possible. */
const KEPT_SECONDS = 30 * 24 * 3600;

/** Adds entries to a minute and counts them, unless the minute is closed. */
export const throughGate = (table: Table, minute: string, entries: number): Write =>
  table.update(keys.logGate(minute, Math.floor(Math.random() * GATES)), {
    UpdateExpression: 'ADD #counted :entries',
    ConditionExpression: 'attribute_not_exists(#closed)',
    ExpressionAttributeNames: { '#counted': 'counted', '#closed': 'closed' },
    ExpressionAttributeValues: { ':entries': entries },
  });

/** Closes a minute permanently: no more entries are accepted. @returns the number of entries that were */
export async function closeGates(table: Table, minute: string, now: Timestamp): Promise<number> {
  const gates = await Promise.all(
    Array.from({ length: GATES }, (_, shard) =>
      table.touch(keys.logGate(minute, shard), {
        UpdateExpression: 'SET #closed = :true, expires_at = :expires',
        ExpressionAttributeNames: { '#closed': 'closed' },
        ExpressionAttributeValues: { ':true': true, ':expires': Math.ceil(millisOf(now) / 1000) + KEPT_SECONDS },
        ReturnValues: 'ALL_NEW',
      }),
    ),
  );
  return gates.reduce((sum, gate) => sum + Number(gate?.['counted'] ?? 0), 0);
}
