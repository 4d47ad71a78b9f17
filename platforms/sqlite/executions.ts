import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CheckpointDurableExecutionResponse,
  type DurableExecutionClient,
  DurableExecutionClientError,
  DurableExecutionClientErrorScope,
  type DurableInstrumentationPlugin,
  type DurableLambdaHandler,
  InvocationStatus,
} from '@aws/durable-execution-sdk-js';
import { DiskFailure } from './database.ts';
import { DatabaseDamaged } from './errors.ts';
import { executionOf, type Invocation, type InvocationEnd } from './execution-transactions.ts';
import { ExecutionRequests, type ExecutionRequestsOptions } from './execution-requests.ts';
import { canWait, type Operation, operationOf, replayable, type Update, withDueTime } from './operations.ts';
import type { SqlRow } from './sql.ts';

export type SqliteExecutionsOptions = ExecutionRequestsOptions & {
  /**
   * Creates the handler, as `withDurableExecution` does. It sends its checkpoints to the client. With the plugin, it learns of
   * a completed callback at once also while a step runs; without, it does with its next checkpoint.
   */
  handler: (client: DurableExecutionClient, plugin: DurableInstrumentationPlugin) => DurableLambdaHandler;
  /**
   * Returns the time of the machine for a time of `now`: the SDK measures what remains of a wait by it. Absent: they are the same.
   */
  byMachine?: (at: number) => number;
  /** Days that an execution is kept after its end, by the clock. */
  retentionDays: number;
  /** Handlers that run at the same time. */
  maxConcurrent: number;
};

/** A handler that runs. */
type Live = Invocation & {
  /** Number of the last change that it got. */
  seen: number;
  /** Starts of steps and contexts, which are committed with the next other update. */
  starts: Update[];
  /** Functions of steps that run. */
  attempts: number;
  /** Answers a checkpoint that is held until something changes. */
  answer: () => void;
};

/**
 * Time for an invocation, in milliseconds. Its checkpoints are refused after that, and the handler is invoked again. Far
 * longer than all attempts of steps: it is for handlers that hang.
 */
const INVOCATION_MS = 900_000;

/** The longest time that a checkpoint is held, in milliseconds: as long as a step usually runs at most. */
const HOLD_MS = 20_000;

/** Pause after a failed write, in milliseconds. */
const AGAIN_MS = 1000;

const TIMER_MAX_MS = 2 ** 31 - 1;
const PRUNE_EVERY_MS = 3_600_000;
const PRUNED_AT_ONCE = 100;
const DAY_MS = 86_400_000;

/**
 * Runs durable executions in this thread, with their state in an SQLite file. The ID of an execution is its name, and
 * that of a callback is `<execution>.<operation>`.
 *
 * Everything to do is in the file: what is due, and which handlers must run. A crash loses only what was not committed.
 */
export class SqliteExecutions extends ExecutionRequests {
  readonly #database: ExecutionRequestsOptions['database'];
  readonly #options: SqliteExecutionsOptions;
  readonly #now: () => number;
  readonly #handler: DurableLambdaHandler;
  readonly #live = new Map<string, Live>();
  readonly #running = new Set<Promise<void>>();
  /** Starts that have a place among those that run. */
  #beginning = 0;
  readonly #current = new AsyncLocalStorage<Live>();
  #advancing: Promise<void> | undefined;
  #resumed = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #pruning: NodeJS.Timeout | undefined;

  constructor(options: SqliteExecutionsOptions) {
    super(options);
    this.#options = options;
    this.#database = options.database;
    this.#now = options.now ?? Date.now;
    const client: DurableExecutionClient = {
      checkpoint: async ({ DurableExecutionArn, CheckpointToken, Updates = [] }) =>
        this.#checkpoint(this.#liveOf(DurableExecutionArn, CheckpointToken), Updates as Update[]),
      getExecutionState: async ({ DurableExecutionArn, CheckpointToken }) => ({
        Operations: replayable(this.#changes(this.#liveOf(DurableExecutionArn, CheckpointToken).name, 0).operations),
      }),
    };
    this.#handler = options.handler(client, { wrapOperationAttemptFn: (_, attempt) => this.#counted(attempt) });
  }

  override async start(name: string, input: object): Promise<string> {
    const begins = this.#resumed && this.#room > 0 && !this.#isAnyWaiting();
    if (begins) this.#beginning += 1;
    try {
      const begun = await this.started(name, input, begins);
      if (begun !== undefined) this.#invoke(begun);
    } finally {
      if (begins) this.#beginning -= 1;
    }
    this.#poke();
    return name;
  }

  override async completeCallback(callback: string): Promise<void> {
    await super.completeCallback(callback);
    this.continue(executionOf(callback));
  }

  /** Continues an execution that was started, or has a completed callback, at once. */
  continue(execution: string): void {
    this.#live.get(execution)?.answer();
    this.#poke();
  }

  /**
   * Continues executions: those that another process has left at once, and from now on all that are due. On a full disk, as soon
   * as it has room. In a damaged file, it tries again, too: requests are answered already, and tell of it.
   *
   * @param again it is a later try. Those are repeated after any error, or no workflow would continue until the next start
   */
  async resume(again = false): Promise<void> {
    try {
      await this.recover();
    } catch (error) {
      if (!again && !(error instanceof DiskFailure || error instanceof DatabaseDamaged)) throw error;
      this.#options.log({ event: 'resume-failed', error: String(error) });
      if (!this.#isClosed) this.#timer = setTimeout(() => void this.resume(true), AGAIN_MS).unref();
      return;
    }
    await this.#prunedOrLogged();
    if (this.#isClosed) return;
    this.#resumed = true;
    this.#pruning = setInterval(() => void this.#prunedOrLogged(), PRUNE_EVERY_MS).unref();
    this.#poke();
  }

  /** Makes executions due whose handlers ran in another process when it ended. */
  async recover(): Promise<void> {
    const recovered = await this.#database.write('executions.recover', { now: this.#now() });
    if (recovered > 0) this.#options.log({ event: 'executions-recovered', executions: recovered });
  }

  /** Deletes executions whose retention is over. */
  async prune(): Promise<void> {
    const endedBefore = this.#now() - this.#options.retentionDays * DAY_MS;
    while ((await this.#database.write('executions.prune', { endedBefore, limit: PRUNED_AT_ONCE })) === PRUNED_AT_ONCE);
  }

  async #prunedOrLogged(): Promise<void> {
    try {
      await this.prune();
    } catch (error) {
      this.#options.log({ event: 'prune-failed', error: String(error) });
    }
  }

  /** Does what is due, and resolves when nothing is and no handler runs. For clocks that do not pass by themselves. */
  async settle(): Promise<void> {
    do {
      await this.#advance();
      await Promise.all(this.#running);
    } while (!this.#isClosed && (this.#running.size > 0 || this.nextDueAt() <= this.#now()));
  }

  /** Returns when something is due next, in milliseconds since the Unix epoch; `Infinity` if nothing is. */
  nextDueAt(): number {
    const next = (query: string): number => Number(this.#database.sql.get(query)?.['due'] ?? Infinity);
    return Math.min(
      next('SELECT min(due_at) AS due FROM operations WHERE due_at IS NOT NULL'),
      next('SELECT min(times_out_at) AS due FROM executions WHERE ended_at IS NULL'),
      this.#room > 0 ? next('SELECT min(wake_at) AS due FROM executions WHERE wake_at IS NOT NULL') : Infinity,
    );
  }

  /** Stops. Handlers that run are not awaited; their checkpoints are refused, and the next process continues them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#pruning);
    for (const live of this.#live.values()) live.answer();
    this.#live.clear();
    await this.#advancing;
  }

  /** Whether another execution is to be continued first. */
  #isAnyWaiting(): boolean {
    return this.#database.sql.get('SELECT 1 FROM executions WHERE wake_at <= ? LIMIT 1', this.#now()) !== undefined;
  }

  /** How many handlers more may run. */
  get #room(): number {
    return this.#options.maxConcurrent - this.#running.size - this.#beginning;
  }

  #at(): { now: number; timeScale: number } {
    return { now: this.#now(), timeScale: this.#options.timeScale };
  }

  /** Does soon what is due. In a turn of its own, so that an advance that has just ended is over. */
  #poke(): void {
    if (!this.#resumed) return;
    setImmediate(() => {
      if (!this.#isClosed) void this.#advance();
    });
  }

  #advance(): Promise<void> {
    return (this.#advancing ??= this.#advanceAll().finally(() => (this.#advancing = undefined)));
  }

  async #advanceAll(): Promise<void> {
    let next: number;
    try {
      for (next = this.nextDueAt(); !this.#isClosed && next <= this.#now(); next = this.nextDueAt()) {
        const limit = this.#room;
        const { changed, timedOut, begun } = await this.#database.write('executions.advance', {
          now: this.#now(),
          limit,
        });
        for (const name of timedOut) this.#timedOut(name);
        for (const name of changed) this.#live.get(name)?.answer();
        for (const invocation of begun) this.#invoke(invocation);
      }
    } catch (error) {
      this.#options.log({ event: 'advance-failed', error: String(error) });
      next = this.#now() + AGAIN_MS;
    }
    clearTimeout(this.#timer);
    if (this.#isClosed || !this.#resumed || next === Infinity) return;
    const pause = Math.min(Math.max(0, next - this.#now()), TIMER_MAX_MS);
    this.#timer = setTimeout(() => this.#poke(), pause).unref();
  }

  #timedOut(execution: string): void {
    this.#live.get(execution)?.answer();
    this.#live.delete(execution);
    this.#options.log({ event: 'execution-ended', execution, status: 'failed', error: 'Execution timed out' });
  }

  #invoke(invocation: Invocation): void {
    if (this.#isClosed) return; // its end is unknown to the file: the next process continues it
    const running = this.#run(invocation).finally(() => {
      this.#running.delete(running);
      this.#poke();
    });
    this.#running.add(running);
  }

  async #run({ name, invocation }: Invocation): Promise<void> {
    const live: Live = { name, invocation, seen: 0, starts: [], attempts: 0, answer: () => undefined };
    this.#live.set(name, live);
    const how = await this.#handled(live);
    if (this.#live.get(name) === live) this.#live.delete(name);
    await this.#end(live, how);
  }

  /** Returns how the handler ended. Never rejects. */
  async #handled(live: Live): Promise<InvocationEnd> {
    const { name, invocation } = live;
    const deadline = performance.now() + INVOCATION_MS;
    const context = {
      awsRequestId: `${name}/${invocation}`,
      getRemainingTimeInMillis: () => deadline - performance.now(),
    } as Parameters<DurableLambdaHandler>[1];
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`the handler did not end in ${INVOCATION_MS / 1000} seconds`);
      timer = setTimeout(() => reject(error), INVOCATION_MS).unref();
    });
    try {
      const { seen, operations } = this.#changes(name, 0);
      live.seen = seen;
      const event = {
        DurableExecutionArn: name,
        CheckpointToken: String(invocation),
        InitialExecutionState: { Operations: [this.#execution(name), ...replayable(operations)] },
      };
      const output = await Promise.race([this.#current.run(live, () => this.#handler(event, context)), late]);
      if (output.Status === InvocationStatus.PENDING) return { kind: 'suspended', seen: live.seen };
      if (output.Status === InvocationStatus.SUCCEEDED) return { kind: 'succeeded', result: output.Result };
      return { kind: 'ended', error: output.Error };
    } catch (error) {
      if (!this.#isClosed)
        this.#options.log({ event: 'invocation-failed', execution: name, invocation, error: String(error) });
      return { kind: 'failed' };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Records the end, as soon as the file can be written. */
  async #end({ name, invocation }: Live, how: InvocationEnd): Promise<void> {
    while (!this.#isClosed) {
      try {
        const ended = await this.#database.write('executions.end', { name, invocation, how, ...this.#at() });
        if (!ended || how.kind === 'suspended' || how.kind === 'failed') return;
        const error = how.kind === 'ended' && { error: how.error };
        const status = how.kind === 'succeeded' ? 'succeeded' : 'failed';
        this.#options.log({ event: 'execution-ended', execution: name, status, ...error });
        return;
      } catch (error) {
        this.#options.log({ event: 'end-failed', execution: name, error: String(error) });
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS).unref());
      }
    }
  }

  /** The EXECUTION operation, which has the input of the handler. */
  #execution(name: string): Operation {
    const row = this.#database.sql.get('SELECT input, started_at FROM executions WHERE name = ?', name);
    return {
      Id: 'execution',
      Type: 'EXECUTION',
      Status: 'STARTED',
      StartTimestamp: new Date(Number(row?.['started_at'])).toISOString(),
      ExecutionDetails: { InputPayload: String(row?.['input']) },
    };
  }

  /** Returns the operations that changed after a change, in the order in which they began. */
  #changes(name: string, seen: number): { operations: Operation[]; seen: number } {
    const rows = this.#database.sql.all(
      'SELECT seq, operation, due_at FROM operations WHERE execution = ? AND seq > ? ORDER BY rowid',
      name,
      seen,
    );
    return {
      operations: rows.map((row) => this.#given(row)),
      seen: rows.reduce((most, { seq }) => Math.max(most, Number(seq)), seen),
    };
  }

  /** Returns an operation as the SDK gets it: when it is due, by the time of the machine. */
  #given(row: SqlRow): Operation {
    const { due_at: dueAt } = row;
    const { byMachine } = this.#options;
    return dueAt === null || byMachine === undefined
      ? operationOf(row)
      : withDueTime(operationOf(row), byMachine(Number(dueAt)));
  }

  #liveOf(execution = '', token = ''): Live {
    const live = this.#live.get(execution);
    if (live === undefined || String(live.invocation) !== token) throw stale();
    return live;
  }

  async #checkpoint(live: Live, more: Update[]): Promise<CheckpointDurableExecutionResponse> {
    const { name, invocation } = live;
    const updates = [...live.starts, ...more];
    if (updates.every(canWait)) {
      live.starts = updates;
    } else {
      const isCurrent = await this.#written({ name, invocation, updates });
      if (!isCurrent) throw stale();
      live.starts = [];
    }
    if (more.every(canWait)) await this.#change(live);
    const { operations: Operations, seen } = this.#changes(name, live.seen);
    live.seen = seen;
    return { CheckpointToken: String(invocation), NewExecutionState: { Operations } };
  }

  async #written(checkpoint: Invocation & { updates: Update[] }): Promise<boolean> {
    try {
      return await this.#database.write('executions.checkpoint', { ...checkpoint, ...this.#at() });
    } catch (error) {
      // Only an invalid update fails again in the next invocation; a full disk may have room by then.
      const scope =
        error instanceof RangeError
          ? DurableExecutionClientErrorScope.EXECUTION
          : DurableExecutionClientErrorScope.INVOCATION;
      throw new DurableExecutionClientError(String(error), { scope, cause: error });
    }
  }

  /**
   * Holds the answer to a checkpoint that nothing waits for while steps run, until one of them ends or something changes. The
   * SDK sends its next checkpoint only then, but has none before. So the answer tells other branches of a completed callback
   * at once; without it, the SDK would ask in intervals of up to 10 seconds.
   */
  async #change(live: Live): Promise<void> {
    if (live.attempts === 0 || this.#isClosed || this.#changes(live.name, live.seen).operations.length > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, HOLD_MS).unref();
      live.answer = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Runs the function of a step. */
  #counted(attempt: () => unknown): unknown {
    const live = this.#current.getStore();
    const result = attempt();
    if (live === undefined) return result;
    live.attempts += 1;
    const end = (): void => {
      live.attempts -= 1;
      live.answer();
    };
    Promise.resolve(result).then(end, end);
    return result;
  }
}

/** Ends the invocation: another one owns the execution, or it has ended. The execution is not affected. */
const stale = (): DurableExecutionClientError =>
  new DurableExecutionClientError('Invalid Checkpoint Token', { scope: DurableExecutionClientErrorScope.INVOCATION });
