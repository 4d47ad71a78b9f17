import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DurableExecutionApiClient,
  type DurableExecutionClient,
  type DurableLambdaHandler,
  InvocationStatus,
  withDurableExecution,
} from '@aws/durable-execution-sdk-js';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { vi } from 'vitest';
import { stringify } from 'yaml';
import { awsPlatform, durableClient, productSettings } from '../../../functions/assembly/aws.ts';
import { inboundConsumer } from '../../../functions/assembly/consumers/inbound.ts';
import { projectConsumer } from '../../../functions/assembly/consumers/project.ts';
import { routeConsumer } from '../../../functions/assembly/consumers/route.ts';
import { assemble } from '../../../functions/assembly/deps.ts';
import type { Parts } from '../../../functions/assembly/deps/shared.ts';
import { sweepJob } from '../../../functions/assembly/jobs.ts';
import { createLog } from '../../../functions/assembly/log.ts';
import { READERS } from '../../../functions/assembly/resources.ts';
import { slackDeps } from '../../../functions/assembly/slack-deps.ts';
import { workflow } from '../../../functions/assembly/workflow.ts';
import { type Environment, readEnvironment } from '../../../functions/assembly/environment.ts';
import { ALL_GRANTS, parametersFor } from '../../../functions/assembly/secret-groups.ts';
import type { Product } from '../../../functions/assembly/product.ts';
import type { Clock } from '../../../core/domain/ports/system.ts';
import { api } from '../../../entrances/http/app.ts';
import { lambdaHandler } from '../../../entrances/http/lambda.ts';
import { publish } from '../../../local/config/config-watch.ts';
import { loadSet } from '../../../local/config/config-set.ts';
import { type SqsConsumerOptions, sqsHandler } from '../../../platforms/aws/sqs-consumer.ts';
import type { Consumer } from '../../../platforms/queues.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import { wake } from '../../../workflows/wake.ts';
import { byQueue, QUEUES } from '../../../schemas/config/queues.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { slackApp } from '../../../entrances/slack/app.ts';
import { requestOf, resultOf } from '../../../entrances/slack/requests/http.ts';
import { ADMIN_TOKEN, eventually, INGEST_TOKEN } from '../firebreak.ts';
import { type FaultProxy, faultProxy, type FaultRates, type Service } from '../fault-proxy.ts';
import { startTable } from './dynamodb.ts';
import { pollQueue } from './event-source.ts';
import { Interruptions } from './interruptions.ts';
import { startLambda } from './lambda.ts';
import { createQueues, startQueuesAndBlobs } from './queues-and-blobs.ts';
import { AWS_ENV, clientOptions, type Endpoint } from './server.ts';
import { resourcesText } from './resources.ts';
import { startSsm } from './ssm.ts';

const [BUCKET, SNAPSHOT_BUCKET, TABLE, SECRETS_PATH] = ['firebreak', 'snapshots', 'firebreak', '/firebreak/test'];

/**
 * Messages are delivered again sooner than on AWS if the response with them was lost, and more often: in a test, far more of
 * the calls of their consumers fail.
 */
const DELIVERY = { visibilitySeconds: 2, maxReceives: 200 };

/** Milliseconds between two runs of the periodic checks. */
const SWEEP_EVERY_MS = 300;

/** Milliseconds for which a sender repeats a request. Against hanging. */
const INSIST_MS = 120_000;

type Answer = { status: number; body: any };
type Request = [
  name: 'http' | 'read' | 'slack',
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
];
type HttpEvent = Parameters<ReturnType<typeof lambdaHandler>>[0];

/** The handlers of one instance of a function. Like on Lambda, an instance handles one event at a time. */
type Instance = {
  deps: Product;
  http: (event: HttpEvent) => Promise<APIGatewayProxyStructuredResultV2>;
  slack: (event: HttpEvent) => Promise<APIGatewayProxyStructuredResultV2>;
  queues: Record<'route' | 'inbound' | 'project', ReturnType<typeof sqsHandler>>;
  sweep: ReturnType<typeof sweepJob>;
};
/** `read`: the function `http` for requests that only look, which are not part of a story. */
export type FunctionName = 'http' | 'read' | 'slack' | 'route' | 'inbound' | 'project' | 'sweep' | 'incident-response';

export type AwsProductOptions = {
  services: object;
  configFiles?: Record<string, string>;
  timeScale: number;
  /** Secrets, and addresses of vendors. */
  env: Record<string, string>;
  /** Faults of AWS itself. */
  faults?: { seed: number; rates: { [S in Service]?: FaultRates<S> } };
  /** Starts a proxy in front of a service. */
  proxy?: (service: Service, upstream: string) => Promise<Endpoint>;
  /** Whether the periodic checks run. */
  sweeps?: boolean;
};

/**
 * The product on platform AWS, in this process: the deployed handlers over AWS clients. DynamoDB, SQS, and S3 are
 * programs that others keep. No such program has durable executions: a stand-in of Lambda's API has those of platform SQLite.
 */
export class AwsProduct {
  /** Everything that it has logged. */
  output = '';
  readonly interruptions = new Interruptions();
  /** Returns the number of messages in dead-letter queues. */
  deadLetters: () => Promise<number> = async () => 0;
  readonly #closers: (() => Promise<unknown> | void)[] = [];
  readonly #proxies: { service: Service; proxy: FaultProxy }[] = [];
  readonly #idle = new Map<FunctionName, Instance[]>();
  readonly #clock: Clock = { now: () => timestamp((this.#stoppedAt ?? Date.now()) + this.#aheadMs) };
  readonly #log = createLog(this.#clock, { level: 'debug', format: 'json' }, (line) => (this.output += line));
  #parts: Parts | undefined;
  #consumerOptions: SqsConsumerOptions | undefined;
  #isRunFailing = false;
  #isExecuting = (): boolean => false;
  #pending: () => Promise<number> = async () => 0;
  #running = 0;
  #aheadMs = 0;
  #stoppedAt: number | undefined;

  static async start(options: AwsProductOptions): Promise<AwsProduct> {
    const product = new AwsProduct();
    try {
      await product.#start(options);
    } catch (error) {
      await product.close();
      throw error;
    }
    return product;
  }

  async #start(options: AwsProductOptions): Promise<void> {
    const env = await this.#startAws(options);
    const platform = awsPlatform(env, this.#log);
    this.#parts = {
      platform,
      settings: { ...productSettings(env), timeScale: options.timeScale },
      clock: this.#clock,
      log: this.#log,
    };
    await this.#configure(options, platform.blobs);
    this.#startSources(env, options.sweeps ?? true);
  }

  /** Starts the services, and creates the environment of the functions. */
  async #startAws({ env, faults, timeScale, proxy: inFront }: AwsProductOptions): Promise<Environment> {
    const opened = async <E extends { url: string; close(): Promise<void> }>(starting: Promise<E>): Promise<string> => {
      const one = await starting;
      this.#closers.push(() => one.close());
      return one.url;
    };
    const startExecutions = async (options: Parameters<typeof startLambda>[0]) => {
      const lambda = await startLambda(options);
      this.#isExecuting = lambda.isExecuting;
      return lambda;
    };
    const secrets = { FIREBREAK_ADMIN_TOKEN: ADMIN_TOKEN, FIREBREAK_INGEST_TOKEN: INGEST_TOKEN, ...KEYS, ...env };
    const parameters = Object.fromEntries(
      Object.entries(parametersFor(secrets)).map(([name, value]) => [`${SECRETS_PATH}/${name}`, value]),
    );
    let durable: DurableLambdaHandler | undefined;
    const direct = {
      dynamodb: await opened(startTable(TABLE)),
      sqs: await opened(startQueuesAndBlobs(BUCKET, SNAPSHOT_BUCKET)),
      ssm: await opened(startSsm(() => parameters)),
      lambda: await opened(
        startExecutions({
          handler: (event, context) => (durable ??= this.#durable())(event, context),
          timeScale,
          log: (entry) => this.#log.info('execution', { ...entry }),
        }),
      ),
    };
    const { urls: queues, pending, dead } = await createQueues(direct.sqs, DELIVERY);
    this.#pending = pending;
    this.deadLetters = dead;
    const through = async <S extends Service>(service: S, upstream: string) => {
      if (inFront !== undefined) return opened(inFront(service, upstream));
      const rates = faults?.rates[service];
      if (faults === undefined || rates === undefined) return upstream;
      const proxy = await faultProxy({ upstream, service, seed: faults.seed, rates });
      this.#proxies.push({ service, proxy });
      return opened(Promise.resolve(proxy));
    };
    const sqs = await through('sqs', direct.sqs);
    for (const [name, value] of Object.entries({
      ...AWS_ENV,
      AWS_ENDPOINT_URL_DYNAMODB: await through('dynamodb', direct.dynamodb),
      AWS_ENDPOINT_URL_SQS: sqs,
      AWS_ENDPOINT_URL_S3: await through('s3', direct.sqs),
      AWS_ENDPOINT_URL_SSM: await through('ssm', direct.ssm),
      AWS_ENDPOINT_URL_LAMBDA: await through('lambda', direct.lambda),
    }))
      vi.stubEnv(name, value);
    this.#closers.push(() => void vi.unstubAllEnvs());
    return readEnvironment({
      FIREBREAK_RESOURCES: resourcesText({
        table: TABLE,
        bucket: BUCKET,
        snapshotBucket: SNAPSHOT_BUCKET,
        queues: byQueue((name) => queues[name].replace(direct.sqs, sqs)),
        workflow: { functionName: 'workflow', qualifier: 'live' },
        path: SECRETS_PATH,
        grants: [...ALL_GRANTS],
      }),
      FIREBREAK_TIME_SCALE: String(timeScale),
      LOG_LEVEL: 'debug',
    });
  }

  /** Publishes the configuration, as a deployment does. */
  async #configure(
    { services, configFiles = {} }: AwsProductOptions,
    blobs: Parts['platform']['blobs'],
  ): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'firebreak-aws-'));
    this.#closers.push(() => rm(folder, { recursive: true, force: true }));
    const files = {
      'services.yaml': stringify({ services }),
      'response.yaml': stringify({
        triage: { acknowledgeMinutes: 'off', commanderMinutes: 'off', updateMinutes: 'off' },
      }),
      ...configFiles,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const loaded = await loadSet({ configDir: folder, runbooksDir: join(folder, 'runbooks') });
    if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
    await until(() => publish(blobs, loaded, this.#clock.now()));
  }

  #startSources(env: Environment, isSweeping: boolean): void {
    const client = new SQSClient(clientOptions(process.env['AWS_ENDPOINT_URL_SQS'] ?? ''));
    const urls = env.FIREBREAK_RESOURCES.queues;
    this.#consumerOptions = { client, urls: Object.values(urls), onRefusal: () => undefined };
    const stops = QUEUES.map((name) => {
      const { reader, batchSize } = READERS[name];
      return pollQueue({
        client,
        url: urls[name],
        batchSize,
        invoke: (event) => this.#invoke(reader, ({ queues }) => queues[reader](event, CONTEXT)),
      });
    });
    const sweeping = new AbortController();
    if (!isSweeping) sweeping.abort();
    const sweeps = (async () => {
      while (!sweeping.signal.aborted) {
        await this.#invoke('sweep', ({ sweep }) => sweep()).catch(() => undefined);
        await sleep(SWEEP_EVERY_MS, undefined, { signal: sweeping.signal }).catch(() => undefined);
      }
    })();
    this.#closers.push(async () => {
      sweeping.abort();
      await Promise.all([sweeps, ...stops.map((stop) => stop())]);
      client.destroy();
    });
  }

  /** Runs an event in an idle instance of a function, or in a new one. An instance whose invocation is aborted is gone. */
  async #invoke<T>(name: FunctionName, work: (instance: Instance) => Promise<T>): Promise<T> {
    const idle = this.#idle.get(name) ?? [];
    this.#idle.set(name, idle);
    this.#running += 1;
    try {
      return await this.interruptions.invocation(async (invocation) => {
        const instance = idle.pop() ?? this.#instance(name);
        try {
          return await work(instance);
        } finally {
          // What was aborted can still end, if it does not wait for the call.
          if (!invocation.isOver) idle.push(instance);
        }
      });
    } finally {
      this.#running -= 1;
    }
  }

  #instance(name: FunctionName): Instance {
    if (this.#parts === undefined) throw new Error('not started');
    const parts = { ...this.#parts, platform: this.interruptions.platform(name, this.#parts.platform) };
    const deps = assemble(parts);
    const slack = slackApp(slackDeps(parts));
    const http = lambdaHandler(() => api(deps)) as unknown as Instance['http'];
    const consumed = (consumer: Consumer) =>
      sqsHandler(
        () => consumer,
        () => this.#consumerOptions as SqsConsumerOptions,
      );
    return {
      deps,
      http: (event) => http(event),
      slack: async (event) => resultOf(await slack(requestOf(event as unknown as APIGatewayProxyEventV2))),
      queues: {
        route: consumed(routeConsumer(deps)),
        inbound: consumed(inboundConsumer(deps)),
        project: consumed(projectConsumer(deps)),
      },
      sweep: sweepJob(deps),
    };
  }

  #durable(): DurableLambdaHandler {
    const client = new DurableExecutionApiClient(durableClient());
    const interrupted: DurableExecutionClient = {
      checkpoint: (input) => this.interruptions.call('incident-response checkpoint', () => client.checkpoint(input)),
      getExecutionState: (input) => client.getExecutionState(input),
    };
    return (event, context) =>
      this.#invoke('incident-response', async ({ deps }) => {
        if (this.#isRunFailing) {
          this.#isRunFailing = false;
          return { Status: InvocationStatus.FAILED, Error: { ErrorMessage: 'failed by the test' } };
        }
        return withDurableExecution(
          workflow(() => deps),
          { durableExecutionClient: interrupted },
        )(event, context);
      });
  }

  /** Sends a request as API Gateway does. Rejects if the invocation is aborted. */
  async #request(...[name, method, path, body, headers = AS_ADMIN]: Request): Promise<Answer> {
    const isForm = typeof body === 'string';
    const [rawPath = '/', rawQueryString = ''] = path.split('?');
    const event = {
      version: '2.0',
      routeKey: '$default',
      rawPath,
      rawQueryString,
      headers: {
        host: 'firebreak.test',
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
        ...headers,
      },
      requestContext: {
        accountId: '000000000000',
        apiId: 'api',
        domainName: 'firebreak.test',
        domainPrefix: 'firebreak',
        http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '203.0.113.1', userAgent: 'test' },
        requestId: 'request',
        routeKey: '$default',
        stage: '$default',
        time: '23/Nov/2026:12:00:00 +0000',
        timeEpoch: Date.now(),
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
      isBase64Encoded: false,
    } as unknown as HttpEvent;
    const answer = await this.#invoke(name, (instance) => (name === 'slack' ? instance.slack : instance.http)(event));
    const text = answer.isBase64Encoded ? Buffer.from(answer.body ?? '', 'base64').toString() : (answer.body ?? '');
    return { status: answer.statusCode ?? 0, body: parsed(text) };
  }

  /** Repeats a request until the response is not a server error, like senders that must not lose data. */
  insist = (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> =>
    this.#insist(path.startsWith('/integrations/slack/') ? 'slack' : 'http', method, path, body, headers);

  get = (path: string): Promise<Answer> => this.#insist('read', 'GET', path);

  #insist = (...[name, method, path, body, headers]: Request): Promise<Answer> =>
    until(async () => {
      const answer = await this.#request(name, method, path, body, headers);
      if (answer.status >= 500) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer;
    });

  /** Faults of AWS so far, such as `dynamodb lost-answer`. */
  get faults(): string[] {
    return this.#proxies.flatMap(({ service, proxy }) => proxy.log.map(({ fault }) => `${service} ${fault}`));
  }

  /** Waits until every workflow has ended, no function runs, and no message will invoke one. */
  async untilIdle(): Promise<void> {
    await eventually(
      async () => (await this.#pending()) === 0 && this.#running === 0 && !this.#isExecuting(),
      'the end of all invocations',
    );
  }

  /** Sets its clock ahead. */
  advance(seconds: number): void {
    this.#aheadMs += seconds * 1000;
  }

  /** Stops its clock. */
  stopClock(): void {
    this.#stoppedAt = Date.now();
  }

  /** Leaves a message for a workflow, of a kind that only a later version knows: the run hands over to the next one. */
  async leaveUnknownMessage(id: string): Promise<void> {
    await this.#invoke('read', async ({ deps }) => {
      const message = { kind: 'ask-the-oracle', by: 'ada' } as unknown as Message;
      await deps.incidents.post(id as IncidentId, message);
      await wake(deps, id as IncidentId);
    });
  }

  /** Fails the next run of a workflow that continues. */
  failRun(): void {
    this.#isRunFailing = true;
  }

  /** From now on, nothing is interrupted, and AWS has no faults. */
  heal(): void {
    this.interruptions.plan = () => undefined;
    for (const { proxy } of this.#proxies) proxy.heal();
  }

  async close(): Promise<void> {
    this.heal();
    for (const close of this.#closers.splice(0).toReversed()) await close();
  }
}

const AS_ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };

const CONTEXT = { getRemainingTimeInMillis: () => 30_000 };

const KEYS = {
  FIREBREAK_AUDIT_KEY: 'test-audit-key'.padEnd(44, '0'),
  FIREBREAK_SIGNING_KEY: generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey,
};

async function until<T>(work: () => Promise<T>): Promise<T> {
  const end = Date.now() + INSIST_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > end) throw error;
      await sleep(25);
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
