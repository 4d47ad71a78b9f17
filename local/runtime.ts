import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { s3Blobs } from '../aws/blobs.ts';
import { jsonLog } from '../aws/log.ts';
import {
  HTTP_TIMEOUT_SECONDS,
  QUEUE,
  ROUTER_TIMEOUT_SECONDS,
  SCHEDULES,
  SWEEP_TIMEOUT_SECONDS,
  TABLE,
  WORKFLOW,
} from '../aws/resources.ts';
import type { Log } from '../domain/ports.ts';
import { handler as httpHandler } from '../functions/http.ts';
import { handler as incidentResponse } from '../functions/incident-response.ts';
import { handler as routeHandler } from '../functions/route.ts';
import { handler as sweepHandler } from '../functions/sweep.ts';
import { timestamp } from '../schemas/time.ts';
import { createDatabase } from './aws/dynamodb/create.ts';
import { startDynamoDb } from './aws/dynamodb/start.ts';
import { startTtlSweep } from './aws/dynamodb/ttl.ts';
import { startEventSource } from './aws/event-source.ts';
import { type LambdaEndpoint, type LocalFunction, startLambda } from './aws/lambda/lambda.ts';
import { startS3 } from './aws/s3/server.ts';
import { startSchedules } from './aws/schedules.ts';
import { startSqs } from './aws/sqs/server.ts';
import { startSsm } from './aws/ssm/server.ts';
import { loadConfig } from './config-files.ts';
import { publish, published, watchConfig } from './config-watch.ts';
import { provideCredentials } from './credentials.ts';
import { serveFront } from './front.ts';
import { lockDataDir } from './lock.ts';
import { ACCOUNT, createBucket, createQueues, createTable } from './resources.ts';
import { parametersOf } from './secrets.ts';
import type { Settings } from './settings.ts';
import { startStandIns } from './standins/index.ts';
import { vendorDefaults } from './vendors.ts';

const NAMES = {
  table: 'firebreak',
  bucket: 'firebreak',
  stage: 'local',
  secrets: '/firebreak/local',
  workflow: 'firebreak-local-incident-response',
} as const;

/** The configuration on disk is wrong, and there is no earlier one to go on with. */
export class BadConfig extends Error {
  override readonly name = 'BadConfig';
}

export type Running = { url: string; notes: string[]; stop(): Promise<void>; failed: Promise<Error> };

/**
 * The whole product on this machine. AWS is emulated behind its own APIs and everything else is what runs on AWS.
 * In the order in which parts need each other: whatever takes requests from outside comes last.
 */
export async function startRuntime(settings: Settings, env: NodeJS.ProcessEnv): Promise<Running> {
  const closers: (() => Promise<void> | void)[] = [];
  const opened = <T extends { close(): Promise<void> | void }>(part: T): T => {
    closers.unshift(() => part.close());
    return part;
  };
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0)) await close();
  };
  try {
    return await start(settings, env, opened, closers, stop);
  } catch (error) {
    await stop().catch(() => undefined); // the first error tells more
    throw error;
  }
}

async function start(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  opened: <T extends { close(): Promise<void> | void }>(part: T) => T,
  closers: (() => Promise<void> | void)[],
  stop: () => Promise<void>,
): Promise<Running> {
  const { dataDir, timeScale } = settings;
  const at = (file: string) => join(dataDir, file);
  const log = jsonLog({ now: () => timestamp(Date.now()) }, settings.logLevel);
  const logEntry = (entry: object) => log.info('local', { ...entry });

  const lock = await lockDataDir(dataDir);
  closers.unshift(() => lock.release());
  const accessKeyId = emulationKey(env);

  const ownDatabase = { file: at('dynamodb.sqlite'), accessKeyId, binary: env['FIREBREAK_DYNOXIDE_BIN'] };
  const foreignDatabase = Boolean(env['AWS_ENDPOINT_URL_DYNAMODB']);
  if (!foreignDatabase) await createDatabase(ownDatabase, (client) => createTable(client, NAMES.table));
  const database = foreignDatabase ? undefined : opened(await startDynamoDb(ownDatabase));
  if (database) env['AWS_ENDPOINT_URL_DYNAMODB'] = database.url;
  if (!env['AWS_ENDPOINT_URL_SQS'])
    env['AWS_ENDPOINT_URL_SQS'] = opened(
      await startSqs({ file: at('sqs.sqlite'), accessKeyId, accountId: ACCOUNT }),
    ).url;
  if (!env['AWS_ENDPOINT_URL_S3']) {
    await mkdir(at('s3'), { recursive: true, mode: 0o700 });
    env['AWS_ENDPOINT_URL_S3'] = opened(await startS3({ dir: at('s3'), accessKeyId })).url;
  }

  const dynamodb = new DynamoDBClient({});
  const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });
  const s3 = new S3Client({ forcePathStyle: true });
  const blobs = s3Blobs(s3, NAMES.bucket);
  await Promise.all([createTable(dynamodb, NAMES.table), createBucket(s3, NAMES.bucket)]);
  const queues = await createQueues(sqs);
  if (database) opened(startTtlSweep({ client: dynamodb, table: NAMES.table, attribute: TABLE.ttl, everySeconds: 60 }));

  const config = await loadConfig(settings.configDir);
  if (!config.ok && (await published(blobs)) === undefined) throw new BadConfig(config.problems.join('\n'));
  await publish(blobs, config);
  const notes = config.ok ? [] : [`config: ${config.problems.join('; ')}. The last good set stays in force`];

  notes.push(...(await provideCredentials(dataDir, env)));
  const standIns = settings.sandbox ? opened(await startStandIns({ dir: dataDir, timeScale })) : undefined;
  notes.push(...vendorDefaults(env, standIns?.urls));
  let inForce = config.ok ? config.config : (await published(blobs))?.config;
  env['AWS_ENDPOINT_URL_SSM'] ??= opened(
    await startSsm({ accessKeyId, parameters: () => parametersOf(NAMES.secrets, env, inForce) }),
  ).url;

  Object.assign(env, {
    FIREBREAK_STAGE: NAMES.stage,
    FIREBREAK_TABLE: NAMES.table,
    FIREBREAK_BUCKET: NAMES.bucket,
    FIREBREAK_QUEUE_URGENT: queues.urgent,
    FIREBREAK_QUEUE_ORDINARY: queues.ordinary,
    FIREBREAK_WORKFLOW_FUNCTION: NAMES.workflow,
    FIREBREAK_WORKFLOW_QUALIFIER: env['FIREBREAK_WORKFLOW_QUALIFIER'] ?? '$LATEST',
    FIREBREAK_SECRETS_PATH: NAMES.secrets,
    LOG_LEVEL: settings.logLevel,
  });
  const lambda = env['AWS_ENDPOINT_URL_LAMBDA']
    ? undefined
    : opened(
        await startLambda({
          file: at('durable.sqlite'),
          accessKeyId,
          functions: functions(queues.workflowDeadLetters),
          timeScale,
          sqs,
          log: logEntry,
        }),
      );
  if (lambda) env['AWS_ENDPOINT_URL_LAMBDA'] = lambda.url;
  resumeAll(lambda);
  startPolling(closers, { sqs, lambda: new LambdaClient({}), queues, timeScale, log });

  const watch = watchConfig(
    settings.configDir,
    async (loaded) => {
      await publish(blobs, loaded);
      if (loaded.ok) inForce = loaded.config;
      log.info(
        loaded.ok ? 'configuration taken up' : 'configuration is wrong; the last good set stays in force',
        loaded.ok ? { version: loaded.config.version } : { problems: loaded.problems },
      );
    },
    (error) => log.error('configuration could not be looked at', { error: String(error) }),
  );
  closers.unshift(() => watch.stop());

  const front = opened(
    await serveFront({
      host: settings.host,
      port: settings.port,
      handler: httpHandler as Parameters<typeof serveFront>[0]['handler'],
      sandbox: standIns?.app,
      adminToken: env['FIREBREAK_ADMIN_TOKEN'] ?? '',
    }),
  );
  return { url: front.url, notes, stop, failed: database?.exited ?? new Promise(() => undefined) };
}

/** Fires what became due while nothing ran. Before the pollers: what is new comes after what was interrupted. */
const resumeAll = (lambda: LambdaEndpoint | undefined): void => lambda?.resume();

/**
 * The key that our emulations ask for: new at each start. Where a part of AWS is somebody else's, all share the
 * environment's key, since the SDK signs with one.
 */
function emulationKey(env: NodeJS.ProcessEnv): string {
  const foreign = ['DYNAMODB', 'SQS', 'S3', 'LAMBDA', 'SSM'].some((service) => env[`AWS_ENDPOINT_URL_${service}`]);
  env['AWS_REGION'] ??= 'us-east-1';
  if (foreign && env['AWS_ACCESS_KEY_ID']) return env['AWS_ACCESS_KEY_ID'];
  env['AWS_ACCESS_KEY_ID'] = `local${randomBytes(16).toString('hex')}`;
  env['AWS_SECRET_ACCESS_KEY'] = randomBytes(16).toString('hex');
  delete env['AWS_SESSION_TOKEN'];
  return env['AWS_ACCESS_KEY_ID'];
}

/** The deployed handlers, as `sst.config.ts` sets them up. */
const functions = (deadLetterQueueUrl: string): Record<string, LocalFunction> => ({
  'firebreak-local-http': { handler: httpHandler, timeoutSeconds: HTTP_TIMEOUT_SECONDS },
  'firebreak-local-route': {
    handler: routeHandler,
    timeoutSeconds: ROUTER_TIMEOUT_SECONDS,
  },
  'firebreak-local-sweep': { handler: sweepHandler, timeoutSeconds: SWEEP_TIMEOUT_SECONDS, deadLetterQueueUrl },
  [NAMES.workflow]: {
    handler: incidentResponse,
    timeoutSeconds: WORKFLOW.invocationTimeoutSeconds,
    deadLetterQueueUrl,
    durable: { executionTimeoutSeconds: WORKFLOW.executionTimeoutSeconds, retentionDays: WORKFLOW.retentionDays },
  },
});

function startPolling(
  closers: (() => Promise<void> | void)[],
  {
    sqs,
    lambda,
    queues,
    timeScale,
    log,
  }: {
    sqs: SQSClient;
    lambda: LambdaClient;
    queues: { urgent: string; ordinary: string };
    timeScale: number;
    log: Log;
  },
): void {
  const report = (entry: object) => log.info('local', { ...entry });
  for (const queueUrl of [queues.urgent, queues.ordinary]) {
    const source = startEventSource({
      queueUrl,
      functionName: 'firebreak-local-route',
      sqs,
      lambda,
      batchSize: QUEUE.batchSize,
      maxConcurrency: 4,
      log: report,
    });
    closers.unshift(() => source.stop());
  }
  const schedules = SCHEDULES.map(({ name, everySeconds }) => ({
    name,
    everySeconds,
    functionName: `firebreak-local-${name}`,
  }));
  const scheduler = startSchedules({ schedules, lambda, timeScale, log: report });
  closers.unshift(() => scheduler.stop());
}
