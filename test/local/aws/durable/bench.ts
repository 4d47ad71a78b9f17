import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  InvokeCommand,
  LambdaClient,
  type Event,
  type GetDurableExecutionCommandOutput,
} from '@aws-sdk/client-lambda';
import { DurableExecutionApiClient, withDurableExecution, type DurableContext } from '@aws/durable-execution-sdk-js';
import {
  startLambda,
  type LambdaEndpoint,
  type LambdaOptions,
  type LocalFunction,
} from '../../../../local/aws/lambda/lambda.ts';

/** A workflow. Its input depends on the test case. */
export type Workflow = (event: never, context: DurableContext) => Promise<unknown>;

export const ACCESS_KEY_ID = 'AKIDTEST';
const CREDENTIALS = { accessKeyId: ACCESS_KEY_ID, secretAccessKey: 'unused' };

/** Returns a client of an endpoint that can be started later. */
export function clientOf(url: () => string): LambdaClient {
  return new LambdaClient({
    region: 'us-east-1',
    credentials: CREDENTIALS,
    endpoint: () => {
      const { protocol, hostname, port } = new URL(url());
      return Promise.resolve({ protocol, hostname, port: Number(port), path: '/' });
    },
  });
}

/** A Lambda endpoint with workflows, and the calls that tests make to it. */
export class Bench {
  readonly lambda: LambdaClient;
  readonly credentials = CREDENTIALS;
  readonly dir = mkdtempSync(join(tmpdir(), 'lambda-'));
  readonly logged: object[] = [];
  #endpoint: LambdaEndpoint | undefined;

  constructor() {
    this.lambda = clientOf(() => this.url);
  }

  get url(): string {
    if (!this.#endpoint) throw new Error('the endpoint has not been started');
    return this.#endpoint.url;
  }

  /** @param functions plain functions, or durable ones from `durable` */
  async start(functions: Record<string, LocalFunction>, options: Partial<LambdaOptions> = {}): Promise<this> {
    this.#endpoint = await startLambda({
      file: join(this.dir, 'durable.sqlite'),
      accessKeyId: ACCESS_KEY_ID,
      functions,
      timeScale: 1_000,
      log: (entry) => this.logged.push(entry),
      ...options,
    });
    return this;
  }

  resume(): this {
    this.#endpoint?.resume();
    return this;
  }

  /** Returns a durable function whose handler calls this endpoint. */
  durable(workflow: Workflow, overrides: Partial<LocalFunction> = {}): LocalFunction {
    const handler = withDurableExecution(workflow as (event: unknown, context: DurableContext) => Promise<unknown>, {
      durableExecutionClient: new DurableExecutionApiClient(this.lambda),
    });
    return {
      handler,
      timeoutSeconds: 30,
      durable: { executionTimeoutSeconds: 86_400 * 14, retentionDays: 30 },
      ...overrides,
    };
  }

  async stop(): Promise<void> {
    await this.#endpoint?.close();
    this.#endpoint = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    this.lambda.destroy();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /**
   * Starts an execution with an Event invocation.
   * @returns its ARN
   */
  async begin(functionName: string, input: unknown = null, name?: string): Promise<string> {
    const { DurableExecutionArn = '' } = await this.lambda.send(
      new InvokeCommand({
        FunctionName: `${functionName}:$LATEST`,
        InvocationType: 'Event',
        DurableExecutionName: name,
        Payload: JSON.stringify(input),
      }),
    );
    return DurableExecutionArn;
  }

  describe(arn: string): Promise<GetDurableExecutionCommandOutput> {
    return this.lambda.send(new GetDurableExecutionCommand({ DurableExecutionArn: arn, IncludeExecutionData: true }));
  }

  /** Waits until an execution has ended. */
  async ended(arn: string): Promise<GetDurableExecutionCommandOutput> {
    return until(async () => {
      const found = await this.describe(arn);
      return found.Status === 'RUNNING' ? undefined : found;
    });
  }

  async history(arn: string): Promise<Event[]> {
    const events: Event[] = [];
    let Marker: string | undefined;
    do {
      const page = await this.lambda.send(
        new GetDurableExecutionHistoryCommand({
          DurableExecutionArn: arn,
          IncludeExecutionData: true,
          Marker,
          MaxItems: 1000,
        }),
      );
      events.push(...(page.Events ?? []));
      Marker = page.NextMarker;
    } while (Marker !== undefined);
    return events;
  }

  /**
   * Waits until an execution has suspended with an open callback.
   * @returns the ID of the newest started callback
   */
  async callback(arn: string, name?: string): Promise<string> {
    return until(async () => {
      const events = await this.history(arn);
      const at = events.findLastIndex(
        (event) => event.EventType === 'CallbackStarted' && (name === undefined || event.Name === name),
      );
      const suspended = events.slice(at + 1).some((event) => event.EventType === 'InvocationCompleted');
      return at >= 0 && suspended ? events[at]?.CallbackStartedDetails?.CallbackId : undefined;
    });
  }
}

/** Polls until there is a result. */
export async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(5);
  }
}
