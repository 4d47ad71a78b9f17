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

  async store(request: GateRequest): Promise<void> {
    await this.#table.transact([this.#table.put({ ...keys.gate(request), ...GateRequest.parse(request) })]);
  }

  async get(serviceEnvironment: ServiceEnvironment): Promise<GateRequest | undefined> {
    const item = await this.#table.get(keys.gate(serviceEnvironment));
    return item && GateRequest.parse(item);
  }

  mistaken(serviceEnvironment: ServiceEnvironment, key: string, checksum: string): Promise<void> {
    return this.#ofAct(serviceEnvironment, key, 'other_checksum', checksum);
  }

  clear(serviceEnvironment: ServiceEnvironment, key: string): Promise<void> {
    return this.#ofAct(serviceEnvironment, key, 'state', 'over' satisfies GateRequest['state']);
  }

  /** A failed condition means that a newer action has replaced the request: nothing to change. */
  async #ofAct(
    serviceEnvironment: ServiceEnvironment,
    key: string,
    field: 'other_checksum' | 'state',
    value: string,
  ): Promise<void> {
    await this.#table.transact([
      this.#table.update(keys.gate(serviceEnvironment), {
        UpdateExpression: 'SET #field = :value',
        ConditionExpression: '#key = :key',
        ExpressionAttributeNames: { '#field': field, '#key': 'key' },
        ExpressionAttributeValues: { ':value': value, ':key': key },
      }),
    ]);
  }
}
