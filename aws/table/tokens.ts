import { randomBytes } from 'node:crypto';
import { decides, nameKey, NameTaken } from '../../domain/actor-names.ts';
import type { Clock, Page, Tokens } from '../../domain/ports.ts';
import { type NewToken, TokenRecord } from '../../schemas/access.ts';
import { sha256 } from '../hash.ts';
import { type Key, keys } from './keys.ts';
import { pageOfFew } from './small-list.ts';
import { absent, collect, type Condition, type Table } from './table.ts';

/** Tokens as records: found by their hash, listed without it. The token itself is told once, at its making. */
export class TokenTable implements Tokens {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** Nearly every request begins with it. It is never kept: a token that was revoked is none from then on. */
  async find(hash: string): Promise<TokenRecord | undefined> {
    const [item] = await this.#table.shared.read([keys.token(hash)]);
    return item && TokenRecord.parse(item);
  }

  async create(token: NewToken, by: string): Promise<{ record: TokenRecord; secret: string }> {
    const name = await this.#freeName(token);
    const secret = `fb_${randomBytes(32).toString('base64url')}`;
    const hash = sha256(secret);
    const record: TokenRecord = {
      ...token,
      id: `tok_${randomBytes(10).toString('hex')}`,
      created_at: this.#clock.now(),
      created_by: by,
    };
    const result = await this.#table.transact([
      this.#table.put({ ...keys.token(hash), ...record }, absent),
      this.#table.put({ ...keys.tokenById(record.id), ...record, hash }, absent),
      ...(decides(record.actions) ? [this.#table.put({ ...name.key, id: record.id }, name.isFree)] : []),
    ]);
    if (result.ok) return { record, secret };
    const first = await this.#table.get(name.key);
    throw new NameTaken(token.name, { id: String(first?.['id']), name: token.name });
  }

  /**
   * Where it is written who has a name, and the condition that nobody has taken it since: of two that want it at the same
   * moment one gets it. What is written of a token that is over is in nobody's way.
   * @throws NameTaken
   */
  async #freeName({ name, actions }: NewToken): Promise<{ key: Key; isFree: Condition }> {
    const key = keys.tokenName(nameKey(name));
    const before = await this.#table.get(key); // before the tokens, so that one that it names and is not there is over
    const now = this.#clock.now();
    const holder = (await this.#all())
      .filter((token) => nameKey(token.name) === nameKey(name))
      .filter(({ expires_at }) => expires_at === null || expires_at > now)
      .find((token) => decides(token.actions) || decides(actions));
    if (holder !== undefined) throw new NameTaken(name, holder);
    if (before === undefined) return { key, isFree: absent };
    return {
      key,
      isFree: { ConditionExpression: 'id = :before', ExpressionAttributeValues: { ':before': before['id'] } },
    };
  }

  #all(): Promise<TokenRecord[]> {
    return collect(this.#table.each('TOKENS'), (item) => TokenRecord.parse(item));
  }

  async list(query: { limit: number; cursor?: string }): Promise<Page<TokenRecord>> {
    return pageOfFew(await this.#all(), ({ created_at, id }) => `${created_at} ${id}`, query);
  }

  async revoke(id: string): Promise<boolean> {
    const item = await this.#table.get(keys.tokenById(id));
    if (item === undefined) return false;
    await this.#table.transact([
      this.#table.remove(keys.token(String(item['hash']))),
      this.#table.remove(keys.tokenById(id)),
    ]);
    return true;
  }
}
