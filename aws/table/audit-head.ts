import * as z from 'zod';
import type { Blobs } from '../../domain/ports.ts';
import { Timestamp } from '../../schemas/time.ts';

/** Where the newest seal is remembered outside the table, so that a chain that was cut off is noticed. */
export const HEAD_KEY = 'audit/head.json';

const Head = z.object({ number: z.number().int().nonnegative(), hash: z.string(), at: Timestamp });
export type Head = z.infer<typeof Head>;

/** Undefined: there is none, or none that can be read. */
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
