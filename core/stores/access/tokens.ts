import { createHmac, randomBytes } from 'node:crypto';
import { mayDecide, nameKey, NameTaken } from '../../domain/access/actor-identity.ts';
import type { TokenAudit, TokenRequest, Tokens } from '../../domain/ports/access.ts';
import type { Page } from '../../domain/ports/common.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import type { NewToken, TokenRecord } from '../../../schemas/access/access.ts';
import { StoredToken } from '../../../schemas/incidents/stored-records.ts';
import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import { sha256 } from '../../stores/hash.ts';
import { auditWrite } from '../audit/audit-writes.ts';
import { type Key, keys } from '../../stores/keys.ts';
import { pageOfFew } from '../../stores/small-list.ts';
import { collect, type Table } from '../../stores/table.ts';
import {
  absent,
  allOf,
  type Condition,
  equals,
  type Item,
  missing,
  present,
  put,
  remove,
  update,
  type Write,
} from '../../../platforms/store.ts';
import { RecordMacs } from './record-macs.ts';

/** How long to remember that a record that Firebreak did not write was used. */
const REFUSED_RETENTION_SECONDS = 30 * 24 * 3600;

/** Limit for the name of such a record, which can have any length. */
const NAME_MAX_CHARS = 128;

const newCredential = () => ({
  id: `tok_${randomBytes(10).toString('hex')}`,
  secret: `fb_${randomBytes(32).toString('base64url')}`,
});

/** Nobody can derive the secret without the caller's credential, and, once the request's record expires, with it either. */
const credentialOf = ({ key, credential }: TokenRequest): ReturnType<typeof newCredential> => ({
  id: `tok_${sha256(key).slice(0, 20)}`,
  secret: `fb_${createHmac('sha256', credential).update(`token ${key}`).digest('base64url')}`,
});

/**
 * Stores token records: found by their hash, listed without it. The token itself is shown once, at its creation. Each
 * record has a message authentication code; a record without a correct code authenticates no one.
 */
export class TokenTable implements Tokens {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #macs: RecordMacs;

  constructor(table: Table, clock: Clock, secrets: Secrets) {
    this.#table = table;
    this.#clock = clock;
    this.#macs = new RecordMacs(secrets, 'firebreak token records v1');
  }

  /** Nearly every request begins with this read. It is never cached, so that a revoked token is refused at once. */
  async find(hash: string): Promise<TokenRecord | undefined> {
    const [item] = await this.#table.shared.read([keys.token(hash)]);
    if (item === undefined) return undefined;
    const { data: record } = StoredToken.safeParse(item);
    const macCheck = record === undefined ? 'wrong' : await this.#macs.check(record, hash, item['mac']);
    if (record === undefined || macCheck === 'wrong') {
      await this.#rememberRefused(hash, item);
      return undefined;
    }
    if (macCheck === 'previous') await this.#renewMac(record, hash, String(item['mac']));
    return record;
  }

  /** A record that was not created by Firebreak is in no list, so `check` reports it once it was used. */
  async #rememberRefused(hash: string, item: Item): Promise<void> {
    const now = this.#clock.now();
    await this.#table.update(keys.refusedToken(hash), {
      set: { at: now, name: nameIn(item), expires_at: Math.ceil(millisOf(now) / 1000) + REFUSED_RETENTION_SECONDS },
    });
  }

  /**
   * Renews the code after the admin token was replaced, so that the previous one can be removed after all tokens were
   * used.
   */
  async #renewMac(record: TokenRecord, hash: string, before: string): Promise<void> {
    const mac = await this.#macs.of(record, hash);
    // Skipped if another process was faster or has revoked the token.
    await this.#table.transact(
      [keys.token(hash), keys.tokenById(record.id)].map((key) => update(key, { set: { mac } }, equals('mac', before))),
    );
  }

  async check(): Promise<TokenAudit> {
    const audit: TokenAudit = { valid: 0, previous: [], refused: [], used: [] };
    const revoked: Item[] = [];
    for await (const item of this.#table.each('TOKENS')) {
      if (item['revoked_at'] !== undefined) {
        revoked.push(item);
        continue;
      }
      const { data: record } = StoredToken.safeParse(item);
      const macCheck = record && (await this.#macs.check(record, String(item['hash']), item['mac']));
      const shown = { id: String(item['sk']), name: nameIn(item) };
      if (macCheck === 'current') audit.valid += 1;
      else if (macCheck === 'previous') audit.previous.push(shown);
      else audit.refused.push(shown);
    }
    // A revoked token that is usable was restored, or only its row was marked as revoked: Firebreak removes both
    // records.
    const usable = await this.#table.getAll(revoked.map((item) => keys.token(String(item['hash']))));
    for (const [n, item] of revoked.entries())
      if (usable[n] !== undefined) audit.refused.push({ id: String(item['sk']), name: nameIn(item) });
    for await (const item of this.#table.each(keys.refusedTokens().pk))
      audit.used.push({ name: nameIn(item), at: String(item['at']) });
    return audit;
  }

  async create(token: NewToken, by: string, request?: TokenRequest): Promise<{ record: TokenRecord; secret: string }> {
    const { id, secret } = request === undefined ? newCredential() : credentialOf(request);
    const known = request && (await this.#table.get(keys.tokenById(id)));
    if (known !== undefined) return { record: StoredToken.parse(known), secret };
    const name = await this.#freeName(token);
    const hash = sha256(secret);
    const record: TokenRecord = { ...token, id, created_at: this.#clock.now(), created_by: by };
    const mac = await this.#macs.of(record, hash);
    const result = await this.#table.transact([
      put({ ...keys.token(hash), ...record, mac }, absent),
      put({ ...keys.tokenById(record.id), ...record, hash, mac }, absent),
      ...(mayDecide(record.actions) ? [put({ ...name.key, id: record.id }, name.isFree)] : []),
      this.#entryWrite(record, 'created', record.created_at, by),
    ]);
    if (result.ok) return { record, secret };
    const first = await this.#table.get(name.key);
    throw new NameTaken(token.name, { id: String(first?.['id']), name: token.name });
  }

  /**
   * Returns the key of a name, and the condition that it is still free: of two concurrent requests for it, one
   * succeeds. An expired or revoked token does not hold its name.
   * @throws NameTaken
   */
  async #freeName({ name, actions }: NewToken): Promise<{ key: Key; isFree: Condition }> {
    const key = keys.tokenName(nameKey(name));
    const before = await this.#table.get(key); // read before the tokens, so that a named token that is not found has ended
    const now = this.#clock.now();
    const holder = (await this.#allOf())
      .filter((token) => nameKey(token.name) === nameKey(name))
      .filter(({ expires_at, revoked_at }) => revoked_at === undefined && (expires_at === null || expires_at > now))
      .find((token) => mayDecide(token.actions) || mayDecide(actions));
    if (holder !== undefined) throw new NameTaken(name, holder);
    if (before === undefined) return { key, isFree: absent };
    return {
      key,
      isFree: equals('id', before['id']),
    };
  }

  #allOf(): Promise<TokenRecord[]> {
    return collect(this.#table.each('TOKENS'), (item) => StoredToken.parse(item));
  }

  async list(query: { limit: number; cursor?: string }): Promise<Page<TokenRecord>> {
    return pageOfFew(await this.#allOf(), ({ created_at, id }) => `${created_at} ${id}`, query);
  }

  async revoke(id: string, by: string): Promise<boolean> {
    const item = await this.#table.get(keys.tokenById(id));
    if (item === undefined || item['revoked_at'] !== undefined) return false;
    const at = this.#clock.now();
    const { ok } = await this.#table.transact([
      remove(keys.token(String(item['hash']))),
      update(keys.tokenById(id), { set: { revoked_at: at, revoked_by: by } }, allOf(present, missing('revoked_at'))),
      this.#entryWrite({ ...StoredToken.safeParse(item).data, id, name: nameIn(item) }, 'revoked', at, by),
    ]);
    return ok;
  }

  #entryWrite(token: ReadableToken, what: 'created' | 'revoked', at: Timestamp, by: string): Write {
    const { id, name, actions, sources, services, environments, expires_at } = token;
    return auditWrite({
      id: `${id}:${what}`,
      at,
      actor: by,
      kind: `token.${what}`,
      subject: name,
      text: `${what === 'created' ? 'Created' : 'Revoked'} the token ${id}`,
      detail: { token: id, actions, sources, services, environments, expires_at },
    });
  }
}

/** A token's record, or the readable part of a damaged one. */
type ReadableToken = Pick<TokenRecord, 'id' | 'name'> & {
  [Field in keyof TokenRecord]?: TokenRecord[Field] | undefined;
};

const nameIn = (item: Item): string => String(item['name']).slice(0, NAME_MAX_CHARS);
