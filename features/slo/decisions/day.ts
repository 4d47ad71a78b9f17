import { BUCKET_SECONDS, bucketAt, type History, setBucket } from './history.ts';

/** Number of buckets in a UTC day. */
export const BUCKETS_PER_DAY = 86_400 / BUCKET_SECONDS;

/**
 * Version in the first byte. It is followed by 288 event counts and 288 error counts as little-endian doubles; NaN is
 * unknown.
 */
const VERSION = 1;
const BYTES_EACH = Float64Array.BYTES_PER_ELEMENT;
export const DAY_BYTES = 1 + 2 * BUCKETS_PER_DAY * BYTES_EACH;

/** @returns the day that contains the bucket, in days since the Unix epoch */
export const dayOf = (index: number): number => Math.floor(index / BUCKETS_PER_DAY);

/** Encodes one day of a history for storage. */
export function encodeDay(history: History, day: number): Uint8Array {
  const bytes = new Uint8Array(DAY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  for (let slot = 0; slot < BUCKETS_PER_DAY; slot++) {
    const bucket = bucketAt(history, day * BUCKETS_PER_DAY + slot);
    view.setFloat64(offsetOf(slot), bucket?.events ?? NaN, true);
    view.setFloat64(offsetOf(slot + BUCKETS_PER_DAY), bucket?.errors ?? NaN, true);
  }
  return bytes;
}

/**
 * Merges a stored day into a history. Unknown buckets of the day do not overwrite the history.
 *
 * @throws RangeError if the bytes do not come from `encodeDay`, or come from a newer version of it
 */
export function decodeDay(history: History, day: number, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength !== DAY_BYTES || view.getUint8(0) !== VERSION) throw new RangeError(unreadable(day, bytes));
  for (let slot = 0; slot < BUCKETS_PER_DAY; slot++) {
    const events = view.getFloat64(offsetOf(slot), true);
    const errors = view.getFloat64(offsetOf(slot + BUCKETS_PER_DAY), true);
    if (!Number.isNaN(events)) setBucket(history, day * BUCKETS_PER_DAY + slot, { events, errors });
  }
}

const offsetOf = (slot: number): number => 1 + slot * BYTES_EACH;

const unreadable = (day: number, bytes: Uint8Array): string =>
  `day ${day} of a budget cannot be read: ${bytes.byteLength} bytes of version ${bytes[0] ?? 'none'}, ` +
  `not ${DAY_BYTES} of version ${VERSION}; delete it, and it is counted again from Prometheus`;
