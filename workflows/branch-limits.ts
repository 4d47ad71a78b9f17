import type { Deps } from '../core/domain/ports/deps.ts';
import type { Callback, Run } from './run.ts';

/**
 * A run may have 3,000 operations, with those of its branches. After this many of them, or seven days, the next run continues
 * from the table. While a mitigation acts, the run continues until the second number of operations: the mitigation has to
 * finish first, and nobody would read the inbox meanwhile. The third number is how many operations of branches wake a long run.
 */
const OPERATIONS_PER_RUN = 1500;
const OPERATIONS_WHILE_ACTING = 2200;
const OPERATIONS_BETWEEN_READS = 100;
const RUN_SECONDS = 7 * 24 * 3600;

/**
 * Limits of a branch. `callbackDue`: after each step, returns the callback to complete because the run has become long. `paused`:
 * resolves when the branch may continue; null: now.
 */
export type BranchLimits = { callbackDue: () => string | null; paused: () => Promise<void> | null };

/** The limits of a run, which its branches share. */
export class RunLimits {
  /** Wakes the reader of the inbox, or times out after some seconds. Null: there is none yet. */
  inbox: (Callback & { seconds: number }) | null = null;
  readonly #run: Pick<Run, 'operations'>;
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;
  #isHandingOver = false;
  #wakeAt = OPERATIONS_PER_RUN;

  constructor(run: Pick<Run, 'operations'>) {
    this.#run = run;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#closed.resolve();
  }

  handOver(): void {
    this.#isHandingOver = true;
  }

  /** Returns whether the next run must take over. It depends on how far branches are, so the result is recorded by a step. */
  isReached(seconds: number, mayHandOver: boolean): boolean {
    const operations = this.#run.operations();
    const isDue = operations >= OPERATIONS_PER_RUN || seconds >= RUN_SECONDS;
    return operations >= OPERATIONS_WHILE_ACTING || (isDue && mayHandOver);
  }

  /** Limits of a branch that has to finish before the next run takes over. */
  ofActing(): BranchLimits {
    return { callbackDue: () => this.#callbackDue(), paused: () => null };
  }

  /** Limits of a branch that the next run can continue at any operation. */
  ofPausable(): BranchLimits {
    return { callbackDue: () => this.#callbackDue(), paused: () => this.#pausedIfLong() };
  }

  #pausedIfLong(): Promise<void> | null {
    const isPaused = this.#isHandingOver || this.#run.operations() >= OPERATIONS_PER_RUN;
    return !this.#isClosed && isPaused ? this.#closed.promise : null;
  }

  /** Wakes the reader of the inbox, which then hands over: branches can have many operations between two reads. */
  #callbackDue(): string | null {
    if (this.inbox === null || this.#run.operations() < this.#wakeAt) return null;
    this.#wakeAt = this.#run.operations() + OPERATIONS_BETWEEN_READS;
    return this.inbox.id;
  }
}

/** Returns the run of a branch with limits. While it is paused, it starts no operation. */
export function limited(run: Run, limits: BranchLimits, deps: Pick<Deps, 'engine' | 'log'>): Run {
  const unlessPaused = <T>(operation: () => Promise<T>): Promise<T> => limits.paused()?.then(operation) ?? operation();
  const withLimits = (inner: Run): Run => limited(inner, limits, deps);
  return {
    execution: run.execution,
    operations: () => run.operations(),
    withLogFields: (fields) => withLimits(run.withLogFields(fields)),
    wait: (name, delay) => unlessPaused(() => run.wait(name, delay)),
    createCallback: (name, timeout) => unlessPaused(() => run.createCallback(name, timeout)),
    childContext: (name, work) => unlessPaused(() => run.childContext(name, (inner) => work(withLimits(inner)))),
    step: (name, work) =>
      unlessPaused(() =>
        run.step(name, async () => {
          const result = await work();
          await complete(deps, limits.callbackDue());
          return result;
        }),
      ),
  };
}

/** Completes a callback. An error is only logged: the step that was just done must not be repeated for it. */
async function complete({ engine, log }: Pick<Deps, 'engine' | 'log'>, callback: string | null): Promise<void> {
  try {
    if (callback !== null) await engine.completeCallback(callback);
  } catch (error) {
    log.warn('cannot wake a long run', { error: String(error) });
  }
}
