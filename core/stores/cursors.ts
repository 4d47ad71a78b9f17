import * as z from 'zod';
import { Refusal } from '../domain/refusal.ts';

/** Thrown for a cursor that this API did not return. */
export class BadCursor extends Refusal {
  constructor() {
    super(400, 'bad-cursor', 'unknown cursor; omit it to start at the newest item');
  }
}

const Cursor = z.strictObject({ of: z.string(), at: z.string() });

/** The beginning of each position, after the prefix of its partition: a time or a ULID. */
const POSITION = /^(?:\d{4}-\d\d-\d\dT\d\d:|[0-9A-HJKMNP-TV-Z]{26})/;

/** Returns the cursor of a position: a sort key of the partition or the list `of`. */
export const cursorAt = (at: string, of: string): string =>
  Buffer.from(JSON.stringify({ of, at })).toString('base64url');

/**
 * Returns the position of a cursor. Undefined: there is no cursor.
 *
 * @throws BadCursor if it belongs to another partition, list, or prefix, or is no position
 */
export function positionIn(cursor: string | undefined, of: string, prefix = ''): string | undefined {
  if (cursor === undefined) return undefined;
  try {
    const read = Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (read.of === of && read.at.startsWith(prefix) && POSITION.test(read.at.slice(prefix.length))) return read.at;
  } catch {
    // Thrown below.
  }
  throw new BadCursor();
}
