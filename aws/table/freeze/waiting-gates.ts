import type { WaitingGates } from '../../../domain/freeze/ports.ts';
import type { Clock } from '../../../domain/ports/system.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { WaitingGate } from '../../../schemas/freeze/waiting-gate.ts';
import { keys } from '../core/keys.ts';
import { collect, type Condition, type Table } from '../core/table.ts';

/** GitHub lets a deployment wait for 30 days, and redelivers its webhooks for three days on request. */
const KNOWN_SECONDS = 34 * 24 * 3600;

/**
 * Stores deployments in other systems that wait for Firebreak's approval. A mark beside each outlives it, so that a
 * redelivered request that was answered is not answered again.
 */
export class WaitingGateTable implements WaitingGates {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async keep(gate: WaitingGate): Promise<WaitingGate | undefined> {
    const now = Math.floor(millisOf(this.#clock.now()) / 1000);
    const known = keys.idempotency('github', 'deployment gate', gate.id);
    const result = await this.#table.transact([
      this.#table.put(
        { ...known, expires_at: now + KNOWN_SECONDS },
        {
          ConditionExpression: 'attribute_not_exists(pk) OR expires_at < :now',
          ExpressionAttributeValues: { ':now': now },
        },
      ),
      this.#table.put({ ...keys.waitingGate(gate.id), ...WaitingGate.parse(gate) }),
    ]);
    if (result.ok) return gate;
    const there = await this.#table.get(keys.waitingGate(gate.id));
    return there && WaitingGate.parse(there);
  }

  async all(): Promise<WaitingGate[]> {
    const gates = await collect(this.#table.each(keys.waitingGates().pk), (item) => WaitingGate.parse(item));
    return gates.toSorted((one, other) => (one.asked_at < other.asked_at ? -1 : 1));
  }

  async change(gate: WaitingGate): Promise<WaitingGate | undefined> {
    const changed: WaitingGate = { ...gate, rev: gate.rev + 1 };
    const item = { ...keys.waitingGate(gate.id), ...WaitingGate.parse(changed) };
    const { ok } = await this.#table.transact([this.#table.put(item, as(gate))]);
    return ok ? changed : undefined;
  }

  async end(gate: WaitingGate): Promise<void> {
    await this.#table.transact([this.#table.remove(keys.waitingGate(gate.id))]);
  }
}

/** The gate is unchanged since it was read and was not ended. */
const as = ({ rev }: WaitingGate): Condition => ({
  ConditionExpression: 'rev = :rev',
  ExpressionAttributeValues: { ':rev': rev },
});
