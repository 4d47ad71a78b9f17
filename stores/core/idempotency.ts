import type { Clock, Idempotency, IdempotencyKey } from '../../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { keys } from './keys.ts';
import type { Table } from './table.ts';
import { absent, allOf, anyOf, below, equals, missing, put, remove } from '../../platforms/store.ts';

const RETENTION_SECONDS = 24 * 3600;

/** A request still running after this time died with its process; the next request with its key continues. */
const RUNNING_SECONDS = 60;

export class IdempotencyTable implements Idempotency {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async begin(key: IdempotencyKey, bodyHash: string): ReturnType<Idempotency['begin']> {
    const now = Math.floor(millisOf(this.#clock.now()) / 1000);
    const result = await this.#table.transact([
      put(
        { ...keyOf(key), body_hash: bodyHash, started: now, expires_at: now + RETENTION_SECONDS },
        anyOf(
          absent,
          below('expires_at', now),
          allOf(missing('answer'), below('started', now - RUNNING_SECONDS), equals('body_hash', bodyHash)),
        ),
      ),
    ]);
    if (result.ok) return { kind: 'mine' };
    const item = await this.#table.get(keyOf(key));
    if (item === undefined) return { kind: 'running' };
    if (item['body_hash'] !== bodyHash) return { kind: 'other_body' };
    return typeof item['answer'] === 'string'
      ? { kind: 'done', status: Number(item['status']), body: item['answer'] }
      : { kind: 'running' };
  }

  async end(key: IdempotencyKey, answer: Parameters<Idempotency['end']>[1]): Promise<void> {
    if (answer === 'forget') {
      await this.#table.transact([remove(keyOf(key))]);
      return;
    }
    await this.#table.update(keyOf(key), { set: { status: answer.status, answer: answer.body } });
  }
}

const keyOf = ({ principal, route, key }: IdempotencyKey) => keys.idempotency(principal, route, key);
