import * as z from 'zod';
import { Timestamp } from '../../../schemas/time/time.ts';
import { canonicalJson, sha256 } from '../../stores/hash.ts';

import type { Item } from '../../../platforms/store.ts';

/** Previous hash of the first seal. */
export const GENESIS = '0'.repeat(64);

/** One link of the chain: all entries of one minute, or up to 500 of them. */
export const Seal = z.object({
  number: z.number().int().positive(),
  minute: z.string(),
  /**
   * Sort keys: the seal covers entries after `after`, up to and including `to`. Null: from the first entry of the
   * minute.
   */
  after: z.string().nullable(),
  to: z.string(),
  entries: z.number().int().positive(),
  /** Ids of entries. */
  first: z.string(),
  last: z.string(),
  /** Hash of the previous seal. */
  previous: z.string(),
  /** Hash at the last entry. */
  chain: z.string(),
  /** In the last seal of a minute: the number of entries that writers counted, and the number found. */
  minute_entries: z.object({ counted: z.number(), found: z.number() }).nullable(),
  at: Timestamp,
  /** Id of the key of `mac`. Absent: sealed by a version without keys. */
  key: z.string().optional(),
  /** Hash of the last entry and of all fields above. */
  hash: z.string(),
  /** Authenticates the hash, and thereby everything before it. */
  mac: z.string().optional(),
});
export type Seal = z.infer<typeof Seal>;

/** How far a minute is sealed. */
export const Sealed = z.object({
  to: z.string(),
  done: z.boolean(),
  /** Seals of the minute, each with the last sort key that it covers. */
  parts: z.array(z.object({ number: z.number(), to: z.string() })),
});
export type Sealed = z.infer<typeof Sealed>;

/** Returns the hash at an entry or a seal, from the previous hash. */
export const link = (previous: string, text: string): string => sha256(previous + text);

export const sealHash = (seal: Omit<Seal, 'hash' | 'mac'>): string => link(seal.chain, canonicalJson(seal));

const Links = z.array(z.tuple([z.string(), z.string()]));

/** Returns id and hash of each entry of a seal; empty if they cannot be read. */
export function linksIn(item: Item | undefined): [string, string][] {
  try {
    return item === undefined ? [] : Links.parse(JSON.parse(String(item['links'])));
  } catch {
    return [];
  }
}
