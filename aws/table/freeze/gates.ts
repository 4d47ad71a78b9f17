import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { Gates } from '../../../domain/ports/freeze.ts';
import { GateRequest } from '../../../schemas/freeze/gate.ts';
import { keys } from '../core/keys.ts';
import type { Table } from '../core/table.ts';

/**
 * Stores rollback requests for targets that poll. Reads are strongly consistent: a withdrawn request must not be
 * granted.
 */
export class GateTable implements Gates {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async ask(wish: GateRequest): Promise<void> {
    await this.#table.transact([this.#table.put({ ...keys.gate(wish), ...GateRequest.parse(wish) })]);
  }

  async get(place: ServiceEnvironment): Promise<GateRequest | undefined> {
    const item = await this.#table.get(keys.gate(place));
    return item && GateRequest.parse(item);
  }

  mistaken(place: ServiceEnvironment, key: string, checksum: string): Promise<void> {
    return this.#ofAct(place, key, 'other_checksum', checksum);
  }

  clear(place: ServiceEnvironment, key: string): Promise<void> {
    return this.#ofAct(place, key, 'state', 'over' satisfies GateRequest['state']);
  }

  /** A failed condition means that a newer action has replaced the request: nothing to change. */
  async #ofAct(
    place: ServiceEnvironment,
    key: string,
    field: 'other_checksum' | 'state',
    value: string,
  ): Promise<void> {
    await this.#table.transact([
      this.#table.update(keys.gate(place), {
        UpdateExpression: 'SET #field = :value',
        ConditionExpression: '#key = :key',
        ExpressionAttributeNames: { '#field': field, '#key': 'key' },
        ExpressionAttributeValues: { ':value': value, ':key': key },
      }),
    ]);
  }
}
