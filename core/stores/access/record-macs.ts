import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '../../domain/ports/system.ts';
import { canonicalJson } from '../../stores/hash.ts';

/** The keys are derived from this secret: its holder can create tokens anyway. */
const SECRET = 'FIREBREAK_ADMIN_TOKEN';
/** The old admin token during a rotation. */
const PREVIOUS = 'FIREBREAK_ADMIN_TOKEN_PREVIOUS';

const KEY_BYTES = 32;

/** The current one and the previous one. */
const KEYS_KEPT = 2;

/** Records whose codes are kept: those of the tokens and sessions in use. */
const CODES_KEPT = 1000;

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
  /** Keys by the secrets that they were derived from. */
  readonly #keys = new Map<string, KeyObject>();
  /** Codes by the hash of the credential. Each is used only for the same record and key. */
  readonly #codes = new Map<string, { key: KeyObject; record: string; mac: string }>();

  constructor(secrets: Secrets, purpose: Purpose) {
    this.#secrets = secrets;
    this.#purpose = purpose;
  }

  /** @param hash of the credential, so that the record of one cannot authenticate another */
  async of(record: object, hash: string): Promise<string> {
    const secret = await this.#secrets.get(SECRET);
    if (!secret) throw new Error(`${SECRET} is not set, so tokens and sessions cannot be created`);
    return this.#macOf(this.#keyOf(secret), record, hash);
  }

  async check(record: object, hash: string, mac: unknown): Promise<MacCheck> {
    if (typeof mac !== 'string') return 'wrong';
    for (const [name, result] of [[SECRET, 'current'] as const, [PREVIOUS, 'previous'] as const]) {
      const secret = await this.#secrets.get(name);
      if (secret && sameMac(this.#macOf(this.#keyOf(secret), record, hash), mac)) return result;
    }
    return 'wrong';
  }

  #macOf(key: KeyObject, record: object, hash: string): string {
    const text = JSON.stringify(record);
    const before = this.#codes.get(hash);
    if (before?.key === key && before.record === text) return before.mac;
    if (this.#codes.size >= CODES_KEPT) this.#codes.clear();
    const mac = createHmac('sha256', key).update(canonicalJson({ record, hash })).digest('hex');
    this.#codes.set(hash, { key, record: text, mac });
    return mac;
  }

  #keyOf(secret: string): KeyObject {
    const known = this.#keys.get(secret);
    if (known !== undefined) return known;
    if (this.#keys.size >= KEYS_KEPT) this.#keys.clear();
    const key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', this.#purpose, KEY_BYTES)));
    this.#keys.set(secret, key);
    return key;
  }
}

function sameMac(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
