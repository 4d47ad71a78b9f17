import type { WaitingDeployments } from '../types.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { WaitingDeployment } from '../schemas/waiting-deployment.ts';
import { keys as coreKeys } from '../../../core/stores/keys.ts';
import { keys } from '../keys.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import { absent, anyOf, below, type Condition, put, remove, revisionIs } from '../../../platforms/store.ts';

/** GitHub lets a deployment wait for 30 days, and redelivers its webhooks for three days on request. */
const KNOWN_SECONDS = 34 * 24 * 3600;

/**
 * Stores deployments in other systems that wait for Firebreak's approval. A mark beside each outlives it, so that a
 * redelivered request that was answered is not answered again.
 */
export class WaitingDeploymentTable implements WaitingDeployments {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async keep(gate: WaitingDeployment): Promise<WaitingDeployment | undefined> {
    const now = Math.floor(millisOf(this.#clock.now()) / 1000);
    const known = coreKeys.idempotency('github', 'deployment gate', gate.id);
    const result = await this.#table.transact([
      put({ ...known, expires_at: now + KNOWN_SECONDS }, anyOf(absent, below('expires_at', now))),
      put({ ...keys.waitingDeployment(gate.id), ...WaitingDeployment.parse(gate) }),
    ]);
    if (result.ok) return gate;
    const stored = await this.#table.get(keys.waitingDeployment(gate.id));
    return stored && WaitingDeployment.parse(stored);
  }

  async all(): Promise<WaitingDeployment[]> {
    const gates = await collect(this.#table.each(keys.waitingDeployments().pk), (item) =>
      WaitingDeployment.parse(item),
    );
    return gates.toSorted((one, other) => (one.asked_at < other.asked_at ? -1 : 1));
  }

  async change(gate: WaitingDeployment): Promise<WaitingDeployment | undefined> {
    const changed: WaitingDeployment = { ...gate, rev: gate.rev + 1 };
    const item = { ...keys.waitingDeployment(gate.id), ...WaitingDeployment.parse(changed) };
    const { ok } = await this.#table.transact([put(item, unchanged(gate))]);
    return ok ? changed : undefined;
  }

  async end(gate: WaitingDeployment): Promise<void> {
    await this.#table.transact([remove(keys.waitingDeployment(gate.id))]);
  }
}

/** The gate is unchanged since it was read and was not ended. */
const unchanged = ({ rev }: WaitingDeployment): Condition => revisionIs(rev);
