import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '../../../domain/ports/system.ts';
import { canonicalJson } from '../../hash.ts';

/** The keys are derived from this secret: its holder can create tokens anyway. */
const SECRET = 'FIREBREAK_ADMIN_TOKEN';
/** The old admin token during a rotation. */
const PREVIOUS = 'FIREBREAK_ADMIN_TOKEN_PREVIOUS';

const KEY_BYTES = 32;

export type MacCheck = 'current' | 'previous' | 'wrong';

/** Each kind of record has its own key, so that a record of one kind cannot serve as another. */
type Purpose = 'firebreak token records v1' | 'firebreak session records v1' | 'firebreak login links v1';

/**
 * Computes message authentication codes of records that grant access. The key is not in the table, so that a record
 * written without Firebreak is detected.
 */
export class RecordMacs {
  readonly #secrets: Secrets;
  readonly #purpose: Purpose;

  constructor(secrets: Secrets, purpose: Purpose) {
    this.#secrets = secrets;
    this.#purpose = purpose;
  }

  /** @param hash of the credential, so that the record of one cannot authenticate another */
  async of(record: object, hash: string): Promise<string> {
    const secret = await this.#secrets.get(SECRET);
    if (!secret) throw new Error(`${SECRET} is not set, so tokens and sessions cannot be created`);
    return macOf(secret, this.#purpose, record, hash);
  }

  async check(record: object, hash: string, mac: unknown): Promise<MacCheck> {
    if (typeof mac !== 'string') return 'wrong';
    for (const [name, result] of [[SECRET, 'current'] as const, [PREVIOUS, 'previous'] as const]) {
      const secret = await this.#secrets.get(name);
      if (secret && sameMac(macOf(secret, this.#purpose, record, hash), mac)) return result;
    }
    return 'wrong';
  }
}

function macOf(secret: string, purpose: Purpose, record: object, hash: string): string {
  const key = hkdfSync('sha256', secret, '', purpose, KEY_BYTES);
  return createHmac('sha256', Buffer.from(key)).update(canonicalJson({ record, hash })).digest('hex');
}

function sameMac(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
