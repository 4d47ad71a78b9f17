import * as z from 'zod';
import { Timestamp } from '../../schemas/time.ts';
import { canonicalJson, sha256 } from '../hash.ts';
import type { Item } from './table.ts';

/** What the first seal has before it. */
export const GENESIS = '0'.repeat(64);

/** One link of the chain: up to 500 entries of one minute, or all of them. */
export const Seal = z.object({
  number: z.number().int().positive(),
  minute: z.string(),
  /** Sort keys: it holds what comes after this one, up to that one. Null: from the minute's first. */
  after: z.string().nullable(),
  to: z.string(),
  entries: z.number().int().positive(),
  /** Ids. */
  first: z.string(),
  last: z.string(),
  /** Of the seal before. */
  previous: z.string(),
  /** At the last entry. */
  chain: z.string(),
  /** In a minute's last seal: how many entries its writers have counted, and how many there were. */
  minute_entries: z.object({ counted: z.number(), found: z.number() }).nullable(),
  at: Timestamp,
  /** Id of the key of `mac`. Absent: sealed by a version that had no keys. */
  key: z.string().optional(),
  /** Of the last entry and of all above. */
  hash: z.string(),
  /** Authenticates the hash, and thereby all that comes before. */
  mac: z.string().optional(),
});
export type Seal = z.infer<typeof Seal>;

/** How far a minute is sealed. */
export const Sealed = z.object({
  to: z.string(),
  done: z.boolean(),
  /** Seals, and up to which sort key each goes. */
  parts: z.array(z.object({ number: z.number(), to: z.string() })),
});
export type Sealed = z.infer<typeof Sealed>;

/** The hash at an entry, or at a seal, from the one before it. */
export const link = (previous: string, text: string): string => sha256(previous + text);

export const sealHash = (seal: Omit<Seal, 'hash' | 'mac'>): string => link(seal.chain, canonicalJson(seal));

const Links = z.array(z.tuple([z.string(), z.string()]));

/** Id and hash of each entry of a seal; none where they cannot be read. */
export function linksIn(item: Item | undefined): [string, string][] {
  try {
    return item === undefined ? [] : Links.parse(JSON.parse(String(item['links'])));
  } catch {
    return [];
  }
}
