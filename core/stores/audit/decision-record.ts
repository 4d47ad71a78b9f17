import type { Blobs } from '../../domain/ports/system.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../stores/hash.ts';
import { keys } from '../../stores/keys.ts';
import type { Table } from '../../stores/table.ts';
import type { Item } from '../../../platforms/store.ts';

/** Kind of the audit log's entry for a decision; its `detail` has `decision` and `sha256` of the record. */
export const DECISION_KIND = 'freeze.decision';

/**
 * Kind of the entry for records that were removed, because all together were too large. Its `detail` has their number as
 * `removed`, by the day of the decision.
 */
export const REMOVAL_KIND = 'freeze.decisions_removed';

/** What was recorded or requested in the last days is never removed. */
export const KEPT_SECONDS = 7 * 24 * 3600;

/** Returns the day on which a decision is listed, and by which removed ones are counted. */
export const dayOf = (at: Timestamp): string => at.slice(0, 'YYYY-MM-DD'.length);

/** Above this, a record is stored in the bucket; an item holds at most 400 KB. */
export const RECORD_MAX_BYTES = 300 * 1024;

/** Returns the exact text that is stored, and whose hash is in the log. */
export const recordOf = (decision: object): string => JSON.stringify(decision);

/** Returns the attributes that hold the record; a large record is stored in the bucket first. */
export async function storeRecord(
  blobs: Blobs,
  id: string,
  record: string,
): Promise<{ record: string } | { record_blob: string }> {
  if (Buffer.byteLength(record) <= RECORD_MAX_BYTES) return { record };
  // The key contains the hash: if two processes store the same decision at the same time, the item names its own blob.
  const key = `freeze-decisions/${encodeURIComponent(id)}-${sha256(record).slice(0, 16)}.json`;
  await blobs.put(key, record, 'application/json');
  return { record_blob: key };
}

/** Returns the record, or undefined if it does not exist or the blob is gone. */
export async function recordIn(blobs: Blobs, item: Item | undefined): Promise<string | undefined> {
  if (typeof item?.['record'] === 'string') return item['record'];
  const body = typeof item?.['record_blob'] === 'string' ? await blobs.get(item['record_blob']) : undefined;
  // Retention empties a blob. A table that was restored to a time before still refers to it.
  return body === undefined || body.length === 0 ? undefined : Buffer.from(body).toString();
}

/** Returns when the record was removed. Undefined: it was not, or there is no such decision. */
export const removedAt = (item: Item | undefined): Timestamp | undefined =>
  item?.['record'] === undefined && item?.['record_blob'] === undefined
    ? (item?.['removed_at'] as Timestamp | undefined)
    : undefined;

/** Instead of the hash of a record that was removed. */
export const REMOVED = 'removed';

/** Returns the current hash of each record, or `REMOVED`; undefined if it cannot be found. */
export async function digestsOf(table: Table, blobs: Blobs, ids: readonly string[]): Promise<(string | undefined)[]> {
  const items = await table.getAll(ids.map((id) => keys.freezeDecision(id)));
  const records = await Promise.all(items.map((item) => recordIn(blobs, item)));
  return records.map((record, n) => (removedAt(items[n]) === undefined ? record && sha256(record) : REMOVED));
}
