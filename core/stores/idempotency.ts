import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Clock, FirstRequest, Idempotency, IdempotencyKey } from '../domain/ports/system.ts';
import { millisOf, Timestamp } from '../../schemas/time/time.ts';
import { keys } from './keys.ts';
import type { Table } from './table.ts';
import { absent, allOf, anyOf, below, equals, type Item, missing, put, remove, update } from '../../platforms/store.ts';

const RETENTION_SECONDS = 24 * 3600;

/** A request still running after this time died with its process; the next request with its key continues. */
const RUNNING_SECONDS = 60;

const First = z.object({ at: Timestamp, nonce: z.string() });

export class IdempotencyTable implements Idempotency {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #isOnlyInstance: boolean;
  readonly #instance = randomUUID();

  /** @param isOnlyInstance whether a request of another instance is one of a process that has ended */
  constructor(table: Table, clock: Clock, { isOnlyInstance = false }: { isOnlyInstance?: boolean | undefined } = {}) {
    this.#table = table;
    this.#clock = clock;
    this.#isOnlyInstance = isOnlyInstance;
  }

  async begin(key: IdempotencyKey, bodyHash: string): ReturnType<Idempotency['begin']> {
    const at = this.#clock.now();
    const now = Math.floor(millisOf(at) / 1000);
    const first: FirstRequest = { at, nonce: randomUUID() };
    const instance = this.#instance;
    const result = await this.#table.transact([
      put(
        { ...keyOf(key), body_hash: bodyHash, started: now, instance, first, expires_at: now + RETENTION_SECONDS },
        anyOf(absent, below('expires_at', now)),
      ),
    ]);
    if (result.ok) return { kind: 'mine', first };
    const item = await this.#table.get(keyOf(key));
    if (item === undefined) return { kind: 'running' };
    if (item['body_hash'] !== bodyHash) return { kind: 'other_body' };
    if (typeof item['answer'] === 'string')
      return { kind: 'done', status: Number(item['status']), body: item['answer'] };
    return (await this.#takeOver(key, item, now))
      ? { kind: 'mine', first: First.parse(item['first']) }
      : { kind: 'running' };
  }

  /** Continues a request that has ended without a response. Returns whether this caller may: of several, one. */
  async #takeOver(key: IdempotencyKey, item: Item, now: number): Promise<boolean> {
    const { started, again = false, instance } = item;
    const hasDied = this.#isOnlyInstance && instance !== this.#instance;
    if (again !== true && !hasDied && Number(started) >= now - RUNNING_SECONDS) return false;
    const unchanged = again === true ? equals('again', true) : missing('again');
    const { ok } = await this.#table.transact([
      update(
        keyOf(key),
        { set: { started: now, instance: this.#instance }, remove: ['again'] },
        allOf(
          missing('answer'),
          equals('started', started),
          instance === undefined ? missing('instance') : equals('instance', instance),
          unchanged,
        ),
      ),
    ]);
    return ok;
  }

  async end(key: IdempotencyKey, answer: Parameters<Idempotency['end']>[1]): Promise<void> {
    if (answer === 'forget') {
      await this.#table.transact([remove(keyOf(key))]);
      return;
    }
    if (answer === 'again') {
      await this.#table.update(keyOf(key), { set: { again: true } });
      return;
    }
    await this.#table.update(keyOf(key), { set: { status: answer.status, answer: answer.body } });
  }
}

const keyOf = ({ principal, route, key }: IdempotencyKey) => keys.idempotency(principal, route, key);
