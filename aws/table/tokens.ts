import { randomBytes } from 'node:crypto';
import type { Clock, Page, Tokens } from '../../domain/ports.ts';
import { type NewToken, TokenRecord } from '../../schemas/access.ts';
import { sha256 } from '../hash.ts';
import { keys } from './keys.ts';
import { pageOfFew } from './small-list.ts';
import { absent, type Table } from './table.ts';

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
    const secret = `fb_${randomBytes(32).toString('base64url')}`;
    const hash = sha256(secret);
    const record: TokenRecord = {
      ...token,
      id: `tok_${randomBytes(10).toString('hex')}`,
      created_at: this.#clock.now(),
      created_by: by,
    };
    await this.#table.transact([
      this.#table.put({ ...keys.token(hash), ...record }, absent),
      this.#table.put({ ...keys.tokenById(record.id), ...record, hash }, absent),
    ]);
    return { record, secret };
  }

  async list(query: { limit: number; cursor?: string }): Promise<Page<TokenRecord>> {
    const tokens: TokenRecord[] = [];
    for await (const item of this.#table.each('TOKENS')) tokens.push(TokenRecord.parse(item));
    return pageOfFew(tokens, ({ created_at, id }) => `${created_at} ${id}`, query);
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
