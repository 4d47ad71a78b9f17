import type { Executions, ExecutionStatus } from '../executions.ts';
import type { Database } from './database.ts';
import type { Invocation } from './execution-transactions.ts';

export type ExecutionRequestsOptions = {
  database: Pick<Database, 'sql' | 'write'>;
  /** How much faster waits, pauses before attempts, and timeouts pass. */
  timeScale: number;
  executionTimeoutSeconds: number;
  log: (entry: object) => void;
  /** Milliseconds since the Unix epoch, by a clock that only goes forward. Absent: the time of the machine. */
  now?: () => number;
};

/** Starts durable executions and completes their callbacks. `SqliteExecutions` runs them, perhaps in another thread. */
export class ExecutionRequests implements Executions {
  readonly #options: ExecutionRequestsOptions;
  readonly #now: () => number;

  constructor(options: ExecutionRequestsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async start(name: string, input: object): Promise<string> {
    await this.started(name, input, false);
    return name;
  }

  /** @returns the first invocation, which begins now. Undefined: it does not, or the execution was started before */
  protected async started(name: string, input: object, begins: boolean): Promise<Invocation | undefined> {
    const { database, executionTimeoutSeconds: timeoutSeconds, timeScale, log } = this.#options;
    const { isNew, begun } = await database.write('executions.start', {
      name,
      input: JSON.stringify(input),
      timeoutSeconds,
      begins,
      now: this.#now(),
      timeScale,
    });
    if (isNew) log({ event: 'execution-started', execution: name });
    return begun;
  }

  async status(execution: string): Promise<ExecutionStatus> {
    const row = this.#options.database.sql.get('SELECT status FROM executions WHERE name = ?', execution);
    return (row?.['status'] as ExecutionStatus | undefined) ?? 'unknown';
  }

  async completeCallback(callback: string): Promise<void> {
    await this.#options.database.write('executions.complete', { callback, now: this.#now() });
  }
}
