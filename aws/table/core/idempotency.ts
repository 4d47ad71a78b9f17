import type { Clock, Idempotency, IdempotencyKey } from '../../../domain/ports/system.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { keys } from './keys.ts';
import type { Table } from './table.ts';

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
      this.#table.put(
        { ...keyOf(key), body_hash: bodyHash, started: now, expires_at: now + RETENTION_SECONDS },
        {
          // Checks the expiry too: DynamoDB deletes expired items up to days later.
          ConditionExpression:
            'attribute_not_exists(pk) OR expires_at < :now OR (attribute_not_exists(answer) AND started < :dead AND body_hash = :hash)',
          ExpressionAttributeValues: { ':now': now, ':dead': now - RUNNING_SECONDS, ':hash': bodyHash },
        },
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
      await this.#table.transact([this.#table.remove(keyOf(key))]);
      return;
    }
    await this.#table.touch(keyOf(key), {
      UpdateExpression: 'SET #status = :status, answer = :body',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':status': answer.status, ':body': answer.body },
    });
  }
}

const keyOf = ({ principal, route, key }: IdempotencyKey) => keys.idempotency(principal, route, key);
