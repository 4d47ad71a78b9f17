import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '../../domain/ports/system.ts';

const SECRET = 'FIREBREAK_AUDIT_KEY';
/** Replaced keys, separated by spaces or commas. */
const PREVIOUS = 'FIREBREAK_AUDIT_KEY_PREVIOUS';

/** Separate the keys that are derived from one secret. */
const MAC_PURPOSE = 'firebreak sealed log mac v1';
const ID_PURPOSE = 'firebreak sealed log key id v1';
const KEY_BYTES = 32;
const ID_BYTES = 8;

/** Reason why the log can be neither sealed nor checked. */
export const NO_KEY = `${SECRET} is not set, so the log can be neither sealed nor checked`;

/** Key that authenticates the hash of a seal. */
export type SealKey = { id: string; of(hash: string): string };

/**
 * The keys of the audit log. They are not in the table, so that a chain written by someone with access to the table
 * differs from one that Firebreak sealed.
 */
export class SealKeys {
  readonly #secrets: Secrets;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** Undefined if no key is set. */
  async current(): Promise<SealKey | undefined> {
    const secret = await this.#secrets.get(SECRET);
    return secret ? keyFrom(secret) : undefined;
  }

  /** By id. Empty if no current key is set. */
  async known(): Promise<ReadonlyMap<string, SealKey>> {
    const current = await this.current();
    if (current === undefined) return new Map();
    const previous = ((await this.#secrets.get(PREVIOUS)) ?? '').split(/[\s,]+/).filter(Boolean);
    return new Map([...previous.map(keyFrom), current].map((key) => [key.id, key]));
  }
}

function keyFrom(secret: string): SealKey {
  const key = Buffer.from(hkdfSync('sha256', secret, '', MAC_PURPOSE, KEY_BYTES));
  return {
    id: Buffer.from(hkdfSync('sha256', secret, '', ID_PURPOSE, ID_BYTES)).toString('hex'),
    of: (hash) => createHmac('sha256', key).update(hash).digest('hex'),
  };
}

export function isMacOf(key: SealKey, hash: string, mac: string): boolean {
  const [expected, given] = [Buffer.from(key.of(hash)), Buffer.from(mac)];
  return expected.length === given.length && timingSafeEqual(expected, given);
}
