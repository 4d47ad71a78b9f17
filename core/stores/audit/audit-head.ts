import * as z from 'zod';
import type { Blobs } from '../../domain/ports/system.ts';
import { Timestamp } from '../../../schemas/time/time.ts';

/** Stores the newest seal outside the table, so that the removal of seals from the end of the chain is detected. */
export const HEAD_KEY = 'audit/head.json';

const Head = z.object({ number: z.number().int().nonnegative(), hash: z.string(), at: Timestamp });
export type Head = z.infer<typeof Head>;

/** Returns the head, or undefined if it does not exist or cannot be read. */
export async function headOf(blobs: Blobs): Promise<Head | undefined> {
  const body = await blobs.get(HEAD_KEY);
  try {
    return body && Head.parse(JSON.parse(Buffer.from(body).toString()));
  } catch {
    return undefined;
  }
}

export const putHead = (blobs: Blobs, head: Head): Promise<void> =>
  blobs.put(HEAD_KEY, JSON.stringify(head), 'application/json');
