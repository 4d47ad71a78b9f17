import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { RollbackGates } from '../../domain/ports/rollback.ts';
import { RollbackGateRequest } from '../../../schemas/rollback/gate-request.ts';
import { keys } from '../../stores/keys.ts';
import type { Table } from '../../stores/table.ts';
import { equals, put, update } from '../../../platforms/store.ts';

/**
 * Stores rollback requests for targets that poll. Reads are strongly consistent: a withdrawn request must not be
 * granted.
 */
export class RollbackGateTable implements RollbackGates {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async store(request: RollbackGateRequest): Promise<void> {
    await this.#table.transact([put({ ...keys.rollbackGate(request), ...RollbackGateRequest.parse(request) })]);
  }

  async get(serviceEnvironment: ServiceEnvironment): Promise<RollbackGateRequest | undefined> {
    const item = await this.#table.get(keys.rollbackGate(serviceEnvironment));
    return item && RollbackGateRequest.parse(item);
  }

  recordMismatch(serviceEnvironment: ServiceEnvironment, key: string, checksum: string): Promise<void> {
    return this.#updateOwn(serviceEnvironment, key, 'other_checksum', checksum);
  }

  clear(serviceEnvironment: ServiceEnvironment, key: string): Promise<void> {
    return this.#updateOwn(serviceEnvironment, key, 'state', 'over' satisfies RollbackGateRequest['state']);
  }

  /** A failed condition means that a newer action has replaced the request: nothing to change. */
  async #updateOwn(
    serviceEnvironment: ServiceEnvironment,
    key: string,
    field: 'other_checksum' | 'state',
    value: string,
  ): Promise<void> {
    await this.#table.transact([
      update(keys.rollbackGate(serviceEnvironment), { set: { [field]: value } }, equals('key', key)),
    ]);
  }
}
