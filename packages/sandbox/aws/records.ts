import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';

/** A record set in the fields of the API, all of them as text. */
export const RecordSet = z
  .looseObject({
    Name: z.string().min(1),
    Type: z.enum(['A', 'AAAA', 'CNAME']),
    SetIdentifier: z.string().min(1).max(128).optional(),
    Weight: z.string().regex(/^\d+$/).optional(),
    TTL: z.string().regex(/^\d+$/).optional(),
  })
  .transform((fields) => ({ ...fields, Name: absoluteName(fields.Name) }));
export type RecordSet = z.infer<typeof RecordSet>;

/** Returns a name as Route 53 stores it: in lowercase, with a final dot, and `*` as an octal code. */
export const absoluteName = (name: string): string =>
  `${name
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^\*/, String.raw`\052`)}.`;

export type RecordChange = { id: string; zone: string; comment: string; submitted_at: number };

export const openRecords = (db: DatabaseSync) => ({
  /** The record sets by zone. A zone exists if it has one. */
  zones: documents<{ zone: string; records: RecordSet[] }>(db, 'route53 zone'),
  changes: documents<RecordChange>(db, 'route53 change'),
  /** The errors with which the next calls end. */
  refusals: documents<{ id: string; code: string; message: string }>(db, 'route53 refusal'),
});
