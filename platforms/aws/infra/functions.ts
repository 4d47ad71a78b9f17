import { environmentOf } from './environment.ts';
import { functionName, WORKFLOW_ALIAS } from './names.ts';
import { sendingToDeadLetters, permissionsOf, type Resources } from './permissions.ts';
import type { FunctionName, PlainFunction, Product, QueueReader, Recursive, Scheduled } from './product.ts';
import { createDeadLetters, type QueueWithDeadLetters } from './queues.ts';
import type { Size, Stage } from './stage.ts';

/** Part of the concurrency of its reader that each queue can use, in size `standard`. */
const QUEUE_CONCURRENCY: Readonly<Record<string, number>> = {
  urgent: 20,
  ordinary: 10,
  unmatched: 4,
  /** People acting in Slack, each in their channel. */
  people: 10,
};

/**
 * Of every queue in size `small`, so that its queues leave room for HTTP, and of those that wake a projector: one call
 * works, the other finds the lease taken.
 */
const EVENT_SOURCE_MIN = 2;

const concurrencyOf = (queue: string): number => QUEUE_CONCURRENCY[queue] ?? EVENT_SOURCE_MIN;

/** In size `small`. Only many objectives need more. */
const SMALL_MEMORY_MB = 1024;

const queuesOf = (reader: QueueReader, { queues }: Product) =>
  Object.entries(queues).filter(([, queue]) => queue.reader === reader);
const readerConcurrency = (reader: QueueReader, product: Product): number =>
  queuesOf(reader, product).reduce((sum, [name]) => sum + concurrencyOf(name), 0);

/**
 * Reserved concurrency of each function in size `standard`, so that a storm at one function does not starve the others.
 * It is the only limit of the receivers: nothing throttles in front of them. Four stages fit into the account's quota,
 * which is 1,000 by default and of which 100 stay unreserved.
 */
const RESERVED_CONCURRENCY: Readonly<Record<Exclude<PlainFunction, QueueReader>, number>> = {
  http: 80,
  /** An open page asks for updates every few seconds, for a tenth of a second. */
  console: 20,
  /** For readers without a copy: caches, and the snapshot, answer most of them. */
  status: 20,
  /** Forms that few people send. */
  subscriptions: 10,
  /** For one workspace; Slack sends at most ten events per second. */
  slack: 20,
  sweep: 1,
  evaluate: 1,
  digest: 1,
  snapshot: 1,
};

const isQueueReader = (name: PlainFunction, { queues }: Product): name is QueueReader =>
  Object.values(queues).some(({ reader }) => reader === name);

const reservedFor = (name: PlainFunction, product: Product): number =>
  isQueueReader(name, product) ? readerConcurrency(name, product) : RESERVED_CONCURRENCY[name];

/** What is imported on demand is in files of its own, which a cold start does not read. */
const NODEJS = { splitting: true };

const memoryOf = (memoryMb: number, size: Size): number =>
  size === 'small' ? Math.min(memoryMb, SMALL_MEMORY_MB) : memoryMb;

const vpcOf = ({ subnetIds, securityGroupIds }: NonNullable<Stage['vpc']>) => ({
  privateSubnets: subnetIds,
  securityGroups: securityGroupIds,
});

/** Options that all functions share. */
function commonOptions(name: FunctionName, resources: Resources) {
  const { product, settings, arns } = resources;
  return {
    name: functionName(settings.name, name),
    handler: `functions/${name}.handler`,
    runtime: 'nodejs24.x' as const,
    architecture: 'arm64' as const,
    memory: `${memoryOf(product.functions[name].memoryMb, settings.size)} MB` as const,
    environment: environmentOf(name, resources),
    nodejs: NODEJS,
    logging: { format: 'json' as const, retention: settings.logRetention },
    policies: $util.output(settings.size === 'standard' ? [arns.managedPolicy('AWSXRayDaemonWriteAccess')] : []),
    permissions: permissionsOf(name, resources),
    ...(settings.vpc && product.reaching.includes(name) && { vpc: vpcOf(settings.vpc) }),
  };
}

/** Options of a function that is not durable. */
function functionOptions(name: PlainFunction, resources: Resources) {
  const { product, settings } = resources;
  return {
    ...commonOptions(name, resources),
    timeout: `${product.functions[name].timeoutSeconds} seconds` as const,
    // A new account cannot reserve anything: 10 executions, its whole quota, must stay unreserved.
    ...(settings.size === 'standard' && { concurrency: { reserved: reservedFor(name, product) } }),
    transform: { function: tracing(settings.size), role: TRUST },
  };
}

/** Lambda has no rate of traces: it traces each first request of a second, or only requests that the caller traces. */
const tracing = (size: Size) => ({ tracingConfig: { mode: size === 'standard' ? 'Active' : 'PassThrough' } });

/** SST's own trust policy also trusts the account: every role that may assume roles could then act as Firebreak. */
const TRUST = {
  assumeRolePolicy: JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  }),
};

const deadLettersAt = (queue: sst.aws.Queue) => ({ deadLetterConfig: { targetArn: queue.arn } });

/**
 * Creates the public address. It exists before the functions, which contain it in links. For why it is an HTTP API, see
 * docs/adr/0008-receive-webhooks-through-an-http-api.md
 */
export const createApi = (retention: Stage['logRetention']) =>
  new sst.aws.ApiGatewayV2('Api', { cors: false, accessLog: { retention } });

/** Creates the function that answers all requests except those to the console and from Slack. */
export function createHttp(resources: Resources, api: sst.aws.ApiGatewayV2) {
  const http = new sst.aws.Function('Http', functionOptions('http', resources));
  api.route('$default', http.arn);
  return http;
}

/** Creates the console at the same address. Its pages ask for updates, which takes no capacity from the receivers. */
export function createConsole(resources: Resources, api: sst.aws.ApiGatewayV2) {
  const pages = new sst.aws.Function('Console', {
    ...functionOptions('console', resources),
    copyFiles: resources.product.consoleFiles.map((path) => ({ from: path, to: path })),
  });
  for (const path of resources.product.consolePaths)
    for (const route of [path, `${path}/{proxy+}`]) api.route(`ANY ${route}`, pages.arn);
  return pages;
}

/** Creates the public status pages at the same address. They take no capacity from the receivers either. */
export function createStatus(resources: Resources, api: sst.aws.ApiGatewayV2) {
  const status = new sst.aws.Function('StatusPages', functionOptions('status', resources));
  const { statusPaths } = resources.product;
  for (const route of [...statusPaths, `${statusPaths[0]}/{proxy+}`]) api.route(`ANY ${route}`, status.arn);
  return status;
}

/** Creates the pages on which readers subscribe to status pages. Separate, because it may write, which status pages may not. */
export function createSubscriptions(resources: Resources, api: sst.aws.ApiGatewayV2) {
  const subscriptions = new sst.aws.Function('StatusSubscriptions', functionOptions('subscriptions', resources));
  // More specific than the route of the status pages.
  api.route(`ANY ${resources.product.subscriptionsPath}/{proxy+}`, subscriptions.arn);
  return subscriptions;
}

/**
 * Creates the function that Slack calls, at the same address. It must respond within three seconds of a cold start, so
 * its bundle is small: it uses the AWS clients of the runtime.
 */
export function createSlack(resources: Resources, api: sst.aws.ApiGatewayV2) {
  const slack = new sst.aws.Function('SlackCalls', {
    ...functionOptions('slack', resources),
    nodejs: { ...NODEJS, esbuild: { external: ['@aws-sdk/*', '@smithy/*'] } },
  });
  api.route('ANY /integrations/slack/{proxy+}', slack.arn);
  return slack;
}

/** Creates a function that reads queues. Each of its queues has its own concurrency. */
export function createQueueReader(id: Capitalize<QueueReader>, name: QueueReader, resources: Resources) {
  const { product, settings } = resources;
  const reader = new sst.aws.Function(id, functionOptions(name, resources));
  const seen = new Set<QueueWithDeadLetters>();
  for (const [queueName, { batchSize }] of queuesOf(name, product)) {
    const found = resources.queues(queueName);
    if (seen.has(found)) continue; // shared in a small stage
    seen.add(found);
    const maximumConcurrency = settings.size === 'small' ? EVENT_SOURCE_MIN : concurrencyOf(queueName);
    found.queue.subscribe(reader.arn, {
      batch: { size: batchSize, partialResponses: true },
      transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency } } },
    });
  }
  return reader;
}

/** Creates the scheduled functions. Lambda does not retry failures: the next run is a minute later. */
export function createScheduled(resources: Resources) {
  const { product, settings } = resources;
  const deadLetters = createDeadLetters('JobsDeadLetters', product.deadLetterDays);
  const create = (id: Capitalize<Scheduled>, name: Scheduled) => {
    const { permissions, ...options } = functionOptions(name, resources);
    return new sst.aws.Function(id, {
      ...options,
      retries: 0,
      permissions: [...permissions, sendingToDeadLetters(deadLetters)],
      transform: {
        role: TRUST,
        function: { ...tracing(settings.size), ...deadLettersAt(deadLetters) },
        eventInvokeConfig: { maximumEventAgeInSeconds: 60 },
      },
    });
  };
  const functions = {
    sweep: create('Sweep', 'sweep'),
    evaluate: create('Evaluate', 'evaluate'),
    digest: create('Digest', 'digest'),
    snapshot: create('Snapshot', 'snapshot'),
  };
  for (const name of product.scheduled) {
    new sst.aws.CronV2(`Schedule-${name}`, {
      function: functions[name],
      schedule: everyMinutes(product.functions[name].everySeconds / 60),
      ...(name === 'snapshot' && settings.size === 'small' && { event: { onChange: true } }),
      retries: 2, // for events that the scheduler could not deliver
      dlq: deadLetters.arn,
    });
  }
  return { functions, deadLetters };
}

const everyMinutes = (minutes: number) => `rate(${minutes} ${minutes === 1 ? 'minute' : 'minutes'})` as const;

/**
 * Creates the durable workflow. A deployment publishes a new version and points the alias at it; executions finish on
 * the version with which they began.
 */
export function createWorkflow(resources: Resources) {
  const { product, settings } = resources;
  const deadLetters = createDeadLetters('IncidentResponseDeadLetters', product.deadLetterDays);
  const { permissions, ...options } = commonOptions('incident-response', resources);
  const { timeoutSeconds, durable } = product.functions['incident-response'];
  const workflow = new sst.aws.Workflow('IncidentResponse', {
    ...options,
    timeout: {
      execution: `${durable.executionTimeoutSeconds} seconds`,
      invocation: `${timeoutSeconds} seconds`,
    },
    retention: `${durable.retentionDays} days`,
    permissions: [...permissions, sendingToDeadLetters(deadLetters)],
    transform: {
      function: {
        role: TRUST,
        function: withDurableOptions({ ...tracing(settings.size), ...deadLettersAt(deadLetters) }),
      },
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

/** A new name would delete the setting after creating it: the deletion resets the function to the default. */
const RECURSION_IDS: Readonly<Record<Recursive, string>> = {
  project: 'Recursion-project',
  'incident-response': 'Recursion-workflow',
};

/**
 * Lets functions invoke themselves, through a queue or directly. By default, Lambda drops about the 17th call of such a
 * chain: docs/adr/0027-allow-recursion-for-functions-that-call-themselves.md
 */
export function allowRecursion(
  recursive: readonly Recursive[],
  functions: Record<Recursive, sst.aws.Function | sst.aws.Workflow>,
): void {
  for (const name of recursive) {
    new aws.lambda.FunctionRecursionConfig(RECURSION_IDS[name], {
      functionName: functions[name].name,
      recursiveLoop: 'Allow',
    });
  }
}
