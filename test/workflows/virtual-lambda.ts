import { randomUUID } from 'node:crypto';
import {
  type DurableExecutionClient,
  type DurableLambdaHandler,
  InvocationStatus,
} from '@aws/durable-execution-sdk-js';
import { Executions, type InvocationEnd } from '../../local/aws/lambda/durable/executions.ts';
import type { HistoryEvent } from '../../local/aws/lambda/durable/history.ts';
import { type ExecutionRow, Store } from '../../local/aws/lambda/store.ts';
import type { SetClock, TestEngine } from '../support/fake-deps.ts';

const FUNCTION = 'incident-response';

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

/**
 * The durable executions of the emulated Lambda, without its HTTP and its timers. A test sets the clock and runs the
 * handlers, so a day of an incident takes milliseconds and is reproducible.
 */
export class VirtualLambda implements TestEngine {
  readonly #clock: SetClock;
  readonly #store = new Store(':memory:');
  readonly #executions: Executions;
  readonly #handler: DurableLambdaHandler;
  #untilDeath = Infinity;

  /** @param handlerFor creates the handler, which sends its checkpoints to the given client */
  constructor(clock: SetClock, handlerFor: (client: DurableExecutionClient) => DurableLambdaHandler) {
    this.#clock = clock;
    this.#executions = new Executions({
      store: this.#store,
      now: () => clock.millis,
      scale: 1,
      functions: new Map([[FUNCTION, { durable: { executionTimeoutSeconds: 365 * 86_400 } }]]),
      onChange: () => undefined,
      log: () => undefined,
    });
    this.#handler = handlerFor(this.#client());
  }

  /** The API of durable executions, for handlers; available while their process lives. */
  #client(): DurableExecutionClient {
    const executions = this.#executions;
    return {
      checkpoint: async ({ DurableExecutionArn = '', CheckpointToken, Updates }) => {
        this.#untilDeath -= 1;
        if (this.#untilDeath === 0) throw new Error('the process has died');
        return overTheWire(executions.checkpoint(DurableExecutionArn, CheckpointToken, { Updates }));
      },
      getExecutionState: async ({ DurableExecutionArn = '', CheckpointToken = '', Marker }) =>
        overTheWire(executions.state(DurableExecutionArn, CheckpointToken, Marker, 1000)),
    };
  }

  /** A crash before the checkpoint: the side effects have happened, but are not recorded. */
  dieAfter(checkpoints: number): void {
    this.#untilDeath = checkpoints;
  }

  async start(incident: string, run: number): Promise<void> {
    this.begin(incident, run, { incidentId: incident, run });
  }

  /** Starts a run of the incident or drill with this ID. */
  begin(id: string, run: number, input: object): void {
    this.#executions.start({
      functionName: FUNCTION,
      version: '1',
      name: `test-${id}-${run}`,
      payload: JSON.stringify(input),
      asyncStart: true,
      traceId: undefined,
      tenantId: undefined,
    });
  }

  async died(): Promise<boolean> {
    return false;
  }

  async completeCallback(callback: string): Promise<void> {
    try {
      this.#executions.completeCallback(callback, { status: 'SUCCEEDED', result: undefined });
    } catch (error) {
      // By the contract of the port, a callback without a waiting run is not an error.
      if (error instanceof Error && 'type' in error && error.type === 'CallbackTimeoutException') return;
      throw error;
    }
  }

  /** Stops an execution, as StopDurableExecution does. */
  kill(id: string, run: number): void {
    const found = this.executions().find(({ name }) => name === `test-${id}-${run}`);
    if (found) this.#executions.stop(found.arn, { ErrorType: 'Stopped', ErrorMessage: 'stopped by the test' });
  }

  /** Completes due timers, and runs handlers until all of them wait. */
  async settle(): Promise<void> {
    this.#executions.fireDueTimers();
    for (let found = this.#store.toWake(1, []); found[0]; found = this.#store.toWake(1, []))
      await this.#invoke(found[0].arn);
  }

  async #invoke(arn: string): Promise<void> {
    const invocation = randomUUID();
    const begun = this.#executions.beginInvocation(arn, invocation);
    if (begun === undefined) return;
    const event = JSON.parse(JSON.stringify(begun.event)) as Parameters<DurableLambdaHandler>[0];
    const end = await withoutCooldown(() => this.#handler(event, lambdaContext)).then(endOf, failed);
    this.#executions.endInvocation(arn, invocation, end);
  }

  /** Returns the time of the next timer or timeout in epoch milliseconds; undefined if no execution is active. */
  nextTimerAt(): number | undefined {
    return this.ended() ? undefined : this.#store.nextTimerAt();
  }

  /** Whether every execution has ended. */
  ended(): boolean {
    return this.executions().every(({ status }) => status !== 'RUNNING');
  }

  executions(): ExecutionRow[] {
    return this.#store.listExecutions(FUNCTION).map(({ arn }) => this.#executions.get(arn));
  }

  history(arn: string): HistoryEvent[] {
    return this.#store.events(arn, 0, 100_000, false).map(({ entry }) => entry);
  }

  close(): void {
    this.#clock.set(this.#clock.millis);
    this.#store.close();
  }
}

const failed = (error: unknown): InvocationEnd => ({ kind: 'failed', error: { ErrorMessage: String(error) } });

/** Converts times to dates, as the SDK's client does with API responses. */
export const overTheWire = <T>(reply: object): T =>
  JSON.parse(JSON.stringify(reply), (key, value: unknown) =>
    key.endsWith('Timestamp') && typeof value === 'number' ? new Date(value * 1000) : value,
  ) as T;

function endOf(output: Awaited<ReturnType<DurableLambdaHandler>>): InvocationEnd {
  if (output.Status === InvocationStatus.PENDING) return { kind: 'suspended' };
  if (output.Status === InvocationStatus.SUCCEEDED) {
    return { kind: 'closed', outcome: { status: 'SUCCEEDED', result: output.Result }, resultWasCheckpointed: false };
  }
  return { kind: 'closed', outcome: { status: 'FAILED', error: output.Error ?? {} }, resultWasCheckpointed: false };
}
