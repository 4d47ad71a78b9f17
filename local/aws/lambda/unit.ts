import { OpenExecution } from './open-execution.ts';
import type { ExecutionRow, Store } from './store.ts';

/** What one transaction has in its hands: executions, one moment in time, and what follows once it is on disk. */
export class Unit {
  /** The machine's clock, epoch milliseconds; the same throughout. */
  readonly now: number;
  readonly #store: Store;
  readonly #scale: number;
  readonly #open = new Map<string, OpenExecution>();
  readonly #followUps: (() => void)[] = [];

  constructor(store: Store, now: number, scale: number) {
    this.#store = store;
    this.now = now;
    this.#scale = scale;
  }

  /** The same object however often it is asked for: parent and child may change in one transaction. */
  open(arn: string): OpenExecution | undefined {
    const known = this.#open.get(arn);
    if (known) return known;
    const row = this.#store.execution(arn);
    return row && this.adopt(row);
  }

  adopt(row: ExecutionRow): OpenExecution {
    const execution = new OpenExecution(row, this.#store, this.now, this.#scale);
    this.#open.set(row.arn, execution);
    return execution;
  }

  afterCommit(followUp: () => void): void {
    this.#followUps.push(followUp);
  }

  save(): void {
    for (const execution of this.#open.values()) execution.save();
  }

  committed(): void {
    for (const followUp of this.#followUps) followUp();
  }
}
