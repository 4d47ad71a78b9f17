import type { Place } from '../../../domain/ports/common.ts';
import type { Gates } from '../../../domain/ports/freeze.ts';
import { Wish } from '../../../schemas/freeze/gate.ts';
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

  async ask(wish: Wish): Promise<void> {
    await this.#table.transact([this.#table.put({ ...keys.gate(wish), ...Wish.parse(wish) })]);
  }

  async get(place: Place): Promise<Wish | undefined> {
    const item = await this.#table.get(keys.gate(place));
    return item && Wish.parse(item);
  }

  mistaken(place: Place, key: string, checksum: string): Promise<void> {
    return this.#ofAct(place, key, 'asked', checksum);
  }

  clear(place: Place, key: string): Promise<void> {
    return this.#ofAct(place, key, 'state', 'over' satisfies Wish['state']);
  }

  /** A failed condition means that a newer action has replaced the request: nothing to change. */
  async #ofAct(place: Place, key: string, field: 'asked' | 'state', value: string): Promise<void> {
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
