import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '../../../domain/ports/system.ts';
import type { TokenRecord } from '../../../schemas/access/access.ts';
import { canonicalJson } from '../../hash.ts';

/** The key of token records is derived from this secret: its holder can create tokens anyway. */
const SECRET = 'FIREBREAK_ADMIN_TOKEN';
/** The old admin token during a rotation. */
const PREVIOUS = 'FIREBREAK_ADMIN_TOKEN_PREVIOUS';

/** Separates this key from other keys that may be derived from the same secret. */
const PURPOSE = 'firebreak token records v1';
const KEY_BYTES = 32;

export type MacCheck = 'current' | 'previous' | 'wrong';

/**
 * Computes message authentication codes of token records. The key is not in the table, so that a record written without
 * Firebreak is detected.
 */
export class TokenMacs {
  readonly #secrets: Secrets;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** @param hash of the token, so that the record of one token cannot authenticate another */
  async of(record: TokenRecord, hash: string): Promise<string> {
    const secret = await this.#secrets.get(SECRET);
    if (!secret) throw new Error(`${SECRET} is not set, so tokens cannot be created`);
    return macOf(secret, record, hash);
  }

  async check(record: TokenRecord, hash: string, mac: unknown): Promise<MacCheck> {
    if (typeof mac !== 'string') return 'wrong';
    for (const [name, result] of [[SECRET, 'current'] as const, [PREVIOUS, 'previous'] as const]) {
      const secret = await this.#secrets.get(name);
      if (secret && sameMac(macOf(secret, record, hash), mac)) return result;
    }
    return 'wrong';
  }
}

function macOf(secret: string, record: TokenRecord, hash: string): string {
  const key = hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES);
  return createHmac('sha256', Buffer.from(key)).update(canonicalJson({ record, hash })).digest('hex');
}

function sameMac(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
