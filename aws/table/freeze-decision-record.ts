import type { FreezeDecision } from '../../domain/freeze/ports.ts';
import type { Blobs } from '../../domain/ports.ts';
import { sha256 } from '../hash.ts';
import { keys } from './keys.ts';
import type { Item, Table } from './table.ts';

/** Of the entry on the sealed log that tells of a decision; its `detail` has `decision` and `sha256` of the record. */
export const DECISION_KIND = 'freeze.decision';

/** Above this a record is left in the bucket; an item holds 400 KB at most. */
const RECORD_MAX_BYTES = 300 * 1024;

/** A decision byte for byte as it is kept, and as its hash stands on the log. */
export const recordOf = (decision: FreezeDecision): string => JSON.stringify(decision);

/** What of its item holds the record; a large one is put into the bucket first. */
export async function storeRecord(
  blobs: Blobs,
  id: string,
  record: string,
): Promise<{ record: string } | { record_blob: string }> {
  if (Buffer.byteLength(record) <= RECORD_MAX_BYTES) return { record };
  // By its hash: of two that decide the same at the same moment, the item names its own.
  const key = `freeze-decisions/${encodeURIComponent(id)}-${sha256(record).slice(0, 16)}.json`;
  await blobs.put(key, record, 'application/json');
  return { record_blob: key };
}

/** Undefined: there is none, or what its item points to is gone. */
export async function recordIn(blobs: Blobs, item: Item | undefined): Promise<string | undefined> {
  if (typeof item?.['record'] === 'string') return item['record'];
  const body = typeof item?.['record_blob'] === 'string' ? await blobs.get(item['record_blob']) : undefined;
  return body && Buffer.from(body).toString();
}

/** Of each record, as it is now. Undefined: it cannot be found. */
export async function digestsOf(table: Table, blobs: Blobs, ids: readonly string[]): Promise<(string | undefined)[]> {
  const items = await table.getAll(ids.map((id) => keys.freezeDecision(id)));
  const records = await Promise.all(items.map((item) => recordIn(blobs, item)));
  return records.map((record) => record && sha256(record));
}
