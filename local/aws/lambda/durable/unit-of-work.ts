import { OpenExecution } from './open-execution.ts';
import type { ExecutionRow, Store } from '../store.ts';

/** The context of a transaction: its executions, its time, and the actions that follow after the commit. */
export class UnitOfWork {
  /** The machine's clock in milliseconds since the Unix epoch; constant within a transaction. */
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

  /**
   * Opens an execution. Always returns the same object for an execution, because a parent and its child can change in
   * one transaction.
   */
  open(arn: string): OpenExecution | undefined {
    const known = this.#open.get(arn);
    if (known) return known;
    const row = this.#store.execution(arn);
    return row && this.adopt(row);
  }

  /** Opens an execution whose row the caller has read or inserted. */
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
