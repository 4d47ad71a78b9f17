import { type FunctionName, functionName, FUNCTIONS, RECURSIVE, SCHEDULED } from '../../../assembly/functions.ts';
import { CONSOLE_PATHS, READERS, type ReaderName, STATUS_PATHS } from '../../../assembly/resources.ts';
import { SUBSCRIPTIONS_PATH } from '../../../domain/status/subscriptions/links.ts';
import { byQueue, type QueueName, QUEUES } from '../../../schemas/config/queues.ts';
import { environmentOf } from './environment.ts';
import { WORKFLOW_ALIAS } from './names.ts';
import { sendingToDeadLetters, permissionsOf, type Resources } from './permissions.ts';
import { createDeadLetters } from './queues.ts';

type PlainFunction = Exclude<FunctionName, 'incident-response'>;

/** Part of the concurrency of its reader that each queue can use. */
const QUEUE_CONCURRENCY: Readonly<Record<QueueName, number>> = {
  // For each target that shows incidents, the minimum of an event source: one works, the other finds the lease taken.
  ...byQueue(() => 2),
  urgent: 20,
  ordinary: 10,
  unmatched: 4,
  /** People acting in Slack, each in their channel. */
  people: 10,
};

const queuesOf = (reader: ReaderName): QueueName[] => QUEUES.filter((name) => READERS[name].reader === reader);
const readerConcurrency = (reader: ReaderName): number =>
  queuesOf(reader).reduce((sum, name) => sum + QUEUE_CONCURRENCY[name], 0);

/**
 * Reserved concurrency of each function, so that a storm at one function does not starve the others. It is the only
 * limit of the receivers: nothing throttles in front of them. It is reserved from the account's quota, which is 1,000
 * by default.
 */
const RESERVED_CONCURRENCY: Readonly<Record<PlainFunction, number>> = {
  http: 100,
  /** An open page asks for updates every few seconds, for a tenth of a second. */
  console: 20,
  /** For readers without a copy: caches, and the snapshot, answer most of them. */
  status: 20,
  /** Forms that few people send. */
  subscriptions: 10,
  /** For one workspace; Slack sends at most ten events per second. */
  slack: 20,
  inbound: readerConcurrency('inbound'),
  route: readerConcurrency('route'),
  project: readerConcurrency('project'),
  sweep: 1,
  evaluate: 1,
  digest: 1,
  snapshot: 1,
};

const LOGS = { format: 'json', retention: '3 months' } as const;

/** What is imported on demand is in files of its own, which a cold start does not read. */
const NODEJS = { splitting: true };

/** Options that all functions share. */
function commonOptions(stage: string, name: FunctionName, resources: Resources) {
  return {
    name: functionName(stage, name),
    handler: `functions/${name}.handler`,
    runtime: 'nodejs24.x' as const,
    architecture: 'arm64' as const,
    memory: `${FUNCTIONS[name].memoryMb} MB` as const,
    environment: environmentOf(stage, name, resources),
    nodejs: NODEJS,
    logging: LOGS,
    policies: $util.output([resources.arns.managedPolicy('AWSXRayDaemonWriteAccess')]),
    permissions: permissionsOf(resources)[name],
  };
}

/** Options of a function that is not durable. */
function functionOptions(stage: string, name: PlainFunction, resources: Resources) {
  return {
    ...commonOptions(stage, name, resources),
    timeout: `${FUNCTIONS[name].timeoutSeconds} seconds` as const,
    concurrency: { reserved: RESERVED_CONCURRENCY[name] },
    transform: COMMON_TRANSFORM,
  };
}

const TRACED = { tracingConfig: { mode: 'Active' } };

/** SST's own trust policy also trusts the account: every role that may assume roles could then act as Firebreak. */
const TRUST = {
  assumeRolePolicy: JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  }),
};

const COMMON_TRANSFORM = { function: TRACED, role: TRUST };

const deadLettersAt = (queue: sst.aws.Queue) => ({ deadLetterConfig: { targetArn: queue.arn } });

/**
 * Creates the public address. It exists before the functions, which contain it in links. For why it is an HTTP API, see
 * docs/adr/0008-receive-webhooks-through-an-http-api.md
 */
export const createApi = () =>
  new sst.aws.ApiGatewayV2('Api', { cors: false, accessLog: { retention: LOGS.retention } });

/** Creates the function that answers all requests except those to the console and from Slack. */
export function createHttp(stage: string, resources: Resources, api: sst.aws.ApiGatewayV2) {
  const http = new sst.aws.Function('Http', functionOptions(stage, 'http', resources));
  api.route('$default', http.arn);
  return http;
}

/** Creates the console at the same address. Its pages ask for updates, which takes no capacity from the receivers. */
export function createConsole(stage: string, resources: Resources, api: sst.aws.ApiGatewayV2) {
  const pages = new sst.aws.Function('Console', functionOptions(stage, 'console', resources));
  for (const path of CONSOLE_PATHS)
    for (const route of [path, `${path}/{proxy+}`]) api.route(`ANY ${route}`, pages.arn);
  return pages;
}

/** Creates the public status pages at the same address. They take no capacity from the receivers either. */
export function createStatus(stage: string, resources: Resources, api: sst.aws.ApiGatewayV2) {
  const status = new sst.aws.Function('StatusPages', functionOptions(stage, 'status', resources));
  for (const route of [...STATUS_PATHS, `${STATUS_PATHS[0]}/{proxy+}`]) api.route(`ANY ${route}`, status.arn);
  return status;
}

/** Creates the pages on which readers subscribe to status pages. Separate, because it may write, which status pages may not. */
export function createSubscriptions(stage: string, resources: Resources, api: sst.aws.ApiGatewayV2) {
  const subscriptions = new sst.aws.Function('StatusSubscriptions', functionOptions(stage, 'subscriptions', resources));
  // More specific than the route of the status pages.
  api.route(`ANY ${SUBSCRIPTIONS_PATH}/{proxy+}`, subscriptions.arn);
  return subscriptions;
}

/**
 * Creates the function that Slack calls, at the same address. It must respond within three seconds of a cold start, so
 * its bundle is small: it uses the AWS clients of the runtime.
 */
export function createSlack(stage: string, resources: Resources, api: sst.aws.ApiGatewayV2) {
  const slack = new sst.aws.Function('SlackCalls', {
    ...functionOptions(stage, 'slack', resources),
    nodejs: { ...NODEJS, esbuild: { external: ['@aws-sdk/*', '@smithy/*'] } },
  });
  api.route('ANY /integrations/slack/{proxy+}', slack.arn);
  return slack;
}

/** Creates a function that reads queues. Each of its queues has its own concurrency. */
export function createQueueReader(id: Capitalize<ReaderName>, name: ReaderName, stage: string, resources: Resources) {
  const reader = new sst.aws.Function(id, functionOptions(stage, name, resources));
  for (const queue of queuesOf(name)) {
    resources.queues[queue].queue.subscribe(reader.arn, {
      batch: { size: READERS[queue].batchSize, partialResponses: true },
      transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: QUEUE_CONCURRENCY[queue] } } },
    });
  }
  return reader;
}

type Scheduled = (typeof SCHEDULED)[number];

/** Creates the scheduled functions. Lambda does not retry failures: the next run is a minute later. */
export function createScheduled(stage: string, resources: Resources) {
  const create = (id: Capitalize<Scheduled>, name: Scheduled) => {
    const deadLetters = createDeadLetters(`${id}DeadLetters`);
    const { permissions, ...options } = functionOptions(stage, name, resources);
    const fn = new sst.aws.Function(id, {
      ...options,
      retries: 0,
      permissions: [...permissions, sendingToDeadLetters(deadLetters)],
      transform: {
        ...COMMON_TRANSFORM,
        function: { ...TRACED, ...deadLettersAt(deadLetters) },
        eventInvokeConfig: { maximumEventAgeInSeconds: 60 },
      },
    });
    return { fn, deadLetters };
  };
  const created = {
    sweep: create('Sweep', 'sweep'),
    evaluate: create('Evaluate', 'evaluate'),
    digest: create('Digest', 'digest'),
    snapshot: create('Snapshot', 'snapshot'),
  };
  for (const name of SCHEDULED) {
    new sst.aws.CronV2(`Schedule-${name}`, {
      function: created[name].fn,
      schedule: everyMinutes(FUNCTIONS[name].everySeconds / 60),
      retries: 2, // for events that the scheduler could not deliver
      dlq: created[name].deadLetters.arn,
    });
  }
  return created;
}

const everyMinutes = (minutes: number) => `rate(${minutes} ${minutes === 1 ? 'minute' : 'minutes'})` as const;

/**
 * Creates the durable workflow. A deployment publishes a new version and points the alias at it; executions finish on
 * the version with which they began.
 */
export function createWorkflow(stage: string, resources: Resources) {
  const deadLetters = createDeadLetters('IncidentResponseDeadLetters');
  const { permissions, ...options } = commonOptions(stage, 'incident-response', resources);
  const { timeoutSeconds, durable } = FUNCTIONS['incident-response'];
  const workflow = new sst.aws.Workflow('IncidentResponse', {
    ...options,
    timeout: {
      execution: `${durable.executionTimeoutSeconds} seconds`,
      invocation: `${timeoutSeconds} seconds`,
    },
    retention: `${durable.retentionDays} days`,
    permissions: [...permissions, sendingToDeadLetters(deadLetters)],
    transform: {
      function: { role: TRUST, function: withDurableOptions({ ...TRACED, ...deadLettersAt(deadLetters) }) },
    },
  });
  new aws.lambda.Alias('IncidentResponseAlias', {
    name: WORKFLOW_ALIAS,
    functionName: workflow.name,
    functionVersion: workflow.nodes.function.nodes.function.version,
  });
  return { workflow, deadLetters };
}

/**
 * In minutes. Lambda stops the executions of a durable function before it deletes the function; the provider waits ten
 * by default.
 */
const DURABLE_DELETE_MINUTES = 60;

/** Adds to the function's arguments, and to options that can only be set there. */
const withDurableOptions =
  (more: object) =>
  (args: object, options: $util.CustomResourceOptions): undefined => {
    Object.assign(args, more);
    options.customTimeouts = { ...options.customTimeouts, delete: `${DURABLE_DELETE_MINUTES}m` };
  };

type Recursive = (typeof RECURSIVE)[number];

/** A new name would delete the setting after creating it: the deletion resets the function to the default. */
const RECURSION_IDS: Readonly<Record<Recursive, string>> = {
  project: 'Recursion-project',
  'incident-response': 'Recursion-workflow',
};

/**
 * Lets functions invoke themselves, through a queue or directly. By default, Lambda drops about the 17th call of such a
 * chain: docs/adr/0027-allow-recursion-for-functions-that-call-themselves.md
 */
export function allowRecursion(functions: Record<Recursive, sst.aws.Function | sst.aws.Workflow>): void {
  for (const name of RECURSIVE) {
    new aws.lambda.FunctionRecursionConfig(RECURSION_IDS[name], {
      functionName: functions[name].name,
      recursiveLoop: 'Allow',
    });
  }
}
