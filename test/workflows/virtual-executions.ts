import type { DurableExecutionClient, DurableLambdaHandler } from '@aws/durable-execution-sdk-js';
import { Database } from '../../platforms/sqlite/database.ts';
import { SqliteExecutions } from '../../platforms/sqlite/executions.ts';
import type { RunStatus } from '../../core/domain/ports/system.ts';
import type { SetClock, TestEngine } from '../support/fake-deps.ts';
import { type HistoryEvent, Recorder } from './recorder.ts';

/** Makes every wait suspend, as AWS does for waits longer than the remaining time of the function. */
const NO_TIME_LEFT = { getRemainingTimeInMillis: () => 0, awsRequestId: 'request', tenantId: undefined };

export type LambdaContext = Parameters<DurableLambdaHandler>[1];
export const lambdaContext = NO_TIME_LEFT as unknown as LambdaContext;

/** The time that the SDK waits for another operation after the last one of an invocation, in milliseconds. */
const COOLDOWN_MS = 20;

const { setTimeout: later } = globalThis;
let inHurry = 0;

/** Skips this wait during `work`. Operations take no time here, so further ones arrive by the next event loop turn. */
export async function withoutCooldown<T>(work: () => Promise<T>): Promise<T> {
  const hurried = (then: () => void, millis = 0) => later(then, millis === COOLDOWN_MS ? 0 : millis);
  inHurry += 1;
  globalThis.setTimeout = Object.assign(hurried, { __promisify__: later.__promisify__ });
  try {
    return await work();
  } finally {
    inHurry -= 1;
    if (inHurry === 0) globalThis.setTimeout = later;
  }
}

/** An execution. `result` and `error` are JSON. */
export type VirtualExecution = {
  name: string;
  status: 'running' | 'succeeded' | 'failed' | 'stopped';
  result: string | null;
  error: string | null;
  operations: number;
};

/**
 * The durable executions of platform SQLite, in memory. A test sets the clock and runs the handlers, so a day of an
 * incident takes milliseconds and is reproducible.
 */
export class VirtualExecutions implements TestEngine {
  readonly #clock: SetClock;
  readonly #database = Database.inMemory();
  readonly #recorder: Recorder;
  readonly #executions: SqliteExecutions;
  #untilDeath = Infinity;

  /** @param handlerFor creates the handler, which sends its checkpoints to the given client */
  constructor(clock: SetClock, handlerFor: (client: DurableExecutionClient) => DurableLambdaHandler) {
    this.#clock = clock;
    const now = (): number => clock.millis;
    this.#recorder = new Recorder(this.#database, now);
    this.#executions = new SqliteExecutions({
      database: this.#database,
      handler: (client) => {
        const handler = handlerFor(this.#mortal(client));
        return (event) => withoutCooldown(() => handler(event, lambdaContext));
      },
      timeScale: 1,
      executionTimeoutSeconds: 365 * 86_400,
      retentionDays: 365,
      maxConcurrent: 1,
      log: () => undefined,
      now,
    });
  }

  /** A client that is available while the process of the handler lives. */
  #mortal(client: DurableExecutionClient): DurableExecutionClient {
    return {
      ...client,
      checkpoint: async (request) => {
        this.#untilDeath -= 1;
        if (this.#untilDeath === 0) throw new Error('the process has died');
        return client.checkpoint(request);
      },
    };
  }

  /** A crash before the checkpoint: the side effects have happened, but are not recorded. */
  dieAfter(checkpoints: number): void {
    this.#untilDeath = checkpoints;
  }

  async start(incident: string, run: number): Promise<string> {
    return this.begin(incident, run, { incidentId: incident, run });
  }

  /** Starts a run of the incident or drill with this ID, at once: the database is in memory. Returns its execution. */
  begin(id: string, run: number, input: object): string {
    void this.#executions.start(nameOf(id, run), input);
    return nameOf(id, run);
  }

  /** Like AWS, takes an execution that was stopped for a failed one. */
  async status(execution: string): Promise<RunStatus> {
    const found = this.executions().find(({ name }) => name === execution);
    return found?.status === 'stopped' ? 'failed' : (found?.status ?? 'unknown');
  }

  completeCallback(callback: string): Promise<void> {
    return this.#executions.completeCallback(callback);
  }

  /** Stops an execution, as StopDurableExecution does. */
  kill(id: string, run: number): void {
    const name = nameOf(id, run);
    if (this.executions().find((execution) => execution.name === name)?.status !== 'running') return;
    const error = { ErrorType: 'Stopped', ErrorMessage: 'stopped by the test' };
    const { sql } = this.#database;
    sql.run('UPDATE operations SET due_at = NULL WHERE execution = ?', name);
    sql.run(
      "UPDATE executions SET status = 'stopped', outcome = ?, ended_at = ?, wake_at = NULL, invoking = 0 WHERE name = ?",
      JSON.stringify({ Error: error }),
      this.#clock.millis,
      name,
    );
    this.#recorder.add(name, 'ExecutionStopped', { Error: { Payload: error, Truncated: false } });
  }

  /** Completes due timers, and runs handlers until all of them wait. */
  settle(): Promise<void> {
    return this.#executions.settle();
  }

  /** Returns the time of the next timer or timeout in epoch milliseconds; undefined if no execution is active. */
  nextTimerAt(): number | undefined {
    return this.ended() ? undefined : this.#executions.nextDueAt();
  }

  /** Whether every execution has ended. */
  ended(): boolean {
    return this.#database.sql.get("SELECT 1 FROM executions WHERE status = 'running' LIMIT 1") === undefined;
  }

  executions(): VirtualExecution[] {
    return this.#database.sql.all('SELECT * FROM executions ORDER BY rowid').map((row) => {
      const outcome = JSON.parse(String(row['outcome'])) as { Result?: string; Error?: object } | null;
      return {
        name: String(row['name']),
        status: row['status'] as VirtualExecution['status'],
        result: outcome?.Result ?? null,
        error: outcome?.Error === undefined ? null : JSON.stringify(outcome.Error),
        operations: Number(row['operations']),
      };
    });
  }

  history(execution: string): HistoryEvent[] {
    return this.#recorder.events(execution);
  }

  close(): void {
    void this.#executions.close();
    void this.#database.close();
  }
}

const nameOf = (id: string, run: number): string => `test-${id}-${run}`;
