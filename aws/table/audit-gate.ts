import { millisOf, type Timestamp } from '../../schemas/time.ts';
import { keys } from './keys.ts';
import type { Table, Write } from './table.ts';

/**
 * Counts of one minute of the log, side by side. A transaction conflicts with another one that writes the same item;
 * with eight, the writers of a busy minute seldom meet, and those who do try again.
 */
const GATES = 8;

/** A closed gate stays until nobody can come late any more. */
const KEPT_SECONDS = 30 * 24 * 3600;

/** Lets entries into a minute and counts them, unless it is closed. */
export const throughGate = (table: Table, minute: string, entries: number): Write =>
  table.update(keys.logGate(minute, Math.floor(Math.random() * GATES)), {
    UpdateExpression: 'ADD #counted :entries',
    ConditionExpression: 'attribute_not_exists(#closed)',
    ExpressionAttributeNames: { '#counted': 'counted', '#closed': 'closed' },
    ExpressionAttributeValues: { ':entries': entries },
  });

/** Closes a minute for good: nothing gets in any more. @returns how many entries have */
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
