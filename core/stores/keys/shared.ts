import { sha256 } from '../hash.ts';
import { type Key, part, SHARDS } from './parts.ts';

/** Keys that serve several nouns. */
export const sharedKeys = {
  /** A decision of the freeze check, with the record whose hash is in the audit log. */
  freezeDecision: (id: string): Key => ({ pk: `FREEZEDEC#${part(id)}`, sk: 'FREEZEDEC' }),
  /** Counters of one group, spread over shards, because all functions write to them. */
  counts: (group: string, shard: number): Key => ({ pk: `COUNTS#${group}#${shard % SHARDS}`, sk: 'COUNTS' }),
  /** Counters of ten minutes. */
  recentCounts: (group: string, slot: number): Key => ({ pk: `COUNTS#${group}#0`, sk: `RECENT#${slot}` }),
  /** Written to find out whether the table accepts writes. */
  writeProbe: (): Key => ({ pk: 'WRITEPROBE', sk: 'WRITEPROBE' }),
  /** When requests were last refused because of a failure of Firebreak, and when it last ran. */
  intake: (): Key => ({ pk: 'INTAKE', sk: 'INTAKE' }),
  /** The stored answer to a request with an idempotency key. */
  idempotency: (principal: string, route: string, key: string): Key => ({
    pk: `IDEM#${part(principal)}#${part(route)}#${part(key)}`,
    sk: 'IDEM',
  }),
  /** The outcome of an action that a person took in another system. */
  processedEvent: (key: string): Key => ({ pk: `PROCESSED#${sha256(key)}`, sk: 'PROCESSED' }),
};
