import {
  DIGEST_TIMEOUT_SECONDS,
  EVALUATE_TIMEOUT_SECONDS,
  HTTP_TIMEOUT_SECONDS,
  PEOPLE,
  PROJECT,
  READERS,
  RECURSIVE,
  ROUTER_TIMEOUT_SECONDS,
  SCHEDULES,
  SLACK_TIMEOUT_SECONDS,
  SWEEP_TIMEOUT_SECONDS,
  WORKFLOW,
} from '../aws/resources.ts';
import { type FUNCTION_GRANTS } from '../aws/secrets/secret-groups.ts';
import { byQueue, type QueueName, QUEUES } from '../schemas/config/queues.ts';
import { environmentOf } from './environment.ts';
import { functionName, WORKFLOW_ALIAS } from './names.ts';
import { mayLeaveAt, permissionsOf, type Resources } from './permissions.ts';
import { createDeadLetters } from './queues.ts';

/**
 * Reserved concurrency of each function, so that a storm at one function does not starve the others. It is the only
 * limit of the receivers: nothing throttles in front of them. It is reserved from the account's quota, which is 1,000
 * by default.
 */
const AT_ONCE = {
  http: 100,
  /** For one workspace; Slack sends at most ten events per second. */
  slack: 20,
  sweep: 1,
  evaluate: 1,
  digest: 1,
};

/** Part of the concurrency of its reader that each queue can use. */
const OF_QUEUE: Readonly<Record<QueueName, number>> = {
  // For each target that shows incidents, the minimum of an event source: one works, the other finds the lease taken.
  ...byQueue(() => 2),
  urgent: 20,
  ordinary: 10,
  unmatched: 4,
  /** People acting in Slack, each in their channel. */
  people: 10,
};

const queuesOf = (reader: string): QueueName[] => QUEUES.filter((name) => READERS[name].reader === reader);
const ofReader = (reader: string): number => queuesOf(reader).reduce((sum, name) => sum + OF_QUEUE[name], 0);

const LOGS = { format: 'json', retention: '3 months' } as const;

/** Options that all functions share. */
function common(stage: string, name: keyof typeof FUNCTION_GRANTS, resources: Resources) {
  return {
    name: functionName(stage, name),
    handler: `functions/${name}.handler`,
    runtime: 'nodejs24.x' as const,
    architecture: 'arm64' as const,
    memory: '1024 MB' as const, // less memory means less CPU, and cold starts are CPU-bound
    environment: environmentOf(stage, name, resources),
    logging: LOGS,
    policies: $util.output([resources.arns.managedPolicy('AWSXRayDaemonWriteAccess')]),
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
 * Creates the HTTP API at a public address. For why it is an HTTP API, see
 * docs/adr/0008-receive-webhooks-through-an-http-api.md
 */
export function createHttp(stage: string, resources: Resources) {
  const http = new sst.aws.Function('Http', {
    ...common(stage, 'http', resources),
    timeout: `${HTTP_TIMEOUT_SECONDS} seconds`,
    concurrency: { reserved: AT_ONCE.http },
    permissions: permissionsOf(resources).http,
    transform: COMMON_TRANSFORM,
  });
  const api = new sst.aws.ApiGatewayV2('Api', { cors: false, accessLog: { retention: LOGS.retention } });
  api.route('$default', http.arn);
  return { http, api };
}

/**
 * Creates the function that Slack calls, at the same address. It must respond within three seconds of a cold start, so
 * its bundle is small: it uses the AWS clients of the runtime.
 */
export function createSlack(stage: string, resources: Resources, api: sst.aws.ApiGatewayV2) {
  const slack = new sst.aws.Function('SlackCalls', {
    ...common(stage, 'slack', resources),
    nodejs: { esbuild: { external: ['@aws-sdk/*', '@smithy/*'] } },
    timeout: `${SLACK_TIMEOUT_SECONDS} seconds`,
    concurrency: { reserved: AT_ONCE.slack },
    permissions: permissionsOf(resources).slack,
    transform: COMMON_TRANSFORM,
  });
  api.route('ANY /integrations/slack/{proxy+}', slack.arn);
  return slack;
}

/** Creates the router, which moves signals from the queues into the table. Each queue has its own concurrency. */
export function createRouter(stage: string, resources: Resources) {
  const route = new sst.aws.Function('Route', {
    ...common(stage, 'route', resources),
    timeout: `${ROUTER_TIMEOUT_SECONDS} seconds`,
    concurrency: { reserved: ofReader('route') },
    permissions: permissionsOf(resources).route,
    transform: COMMON_TRANSFORM,
  });
  subscribe(resources, 'route', route);
  return route;
}

/** Lets a function read its queues. */
function subscribe({ queues }: Resources, reader: 'route' | 'hear' | 'project', to: sst.aws.Function): void {
  for (const name of queuesOf(reader)) {
    queues[name].queue.subscribe(to.arn, {
      batch: { size: READERS[name].batchSize, partialResponses: true },
      transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: OF_QUEUE[name] } } },
    });
  }
}

/** Creates the function that processes actions of people in Slack and PagerDuty. */
export function createHearing(stage: string, resources: Resources) {
  const hear = new sst.aws.Function('Hear', {
    ...common(stage, 'hear', resources),
    timeout: `${PEOPLE.timeoutSeconds} seconds`,
    concurrency: { reserved: ofReader('hear') },
    permissions: permissionsOf(resources).hear,
    transform: COMMON_TRANSFORM,
  });
  subscribe(resources, 'hear', hear);
  return hear;
}

/**
 * Creates the projector, which shows updates at their targets. A slow or unavailable target uses no concurrency of the
 * others.
 */
export function createProjector(stage: string, resources: Resources) {
  const project = new sst.aws.Function('Project', {
    ...common(stage, 'project', resources),
    timeout: `${PROJECT.timeoutSeconds} seconds`,
    concurrency: { reserved: ofReader('project') },
    permissions: permissionsOf(resources).project,
    transform: COMMON_TRANSFORM,
  });
  subscribe(resources, 'project', project);
  return project;
}

/** Creates the scheduled functions. Lambda does not retry failures: the next run is a minute later. */
export function createScheduled(stage: string, resources: Resources) {
  const sweep = createAlone('Sweep', stage, 'sweep', resources, {
    memory: '512 MB',
    timeout: `${SWEEP_TIMEOUT_SECONDS} seconds`,
  });
  const evaluate = createAlone('Evaluate', stage, 'evaluate', resources, {
    memory: '2048 MB', // a month of two thousand objectives needs 300 MB
    timeout: `${EVALUATE_TIMEOUT_SECONDS} seconds`,
  });
  const digest = createAlone('Digest', stage, 'digest', resources, {
    memory: '512 MB',
    timeout: `${DIGEST_TIMEOUT_SECONDS} seconds`,
  });
  const targets = { sweep, evaluate, digest };
  for (const { name, everySeconds } of SCHEDULES) {
    new sst.aws.CronV2(`Schedule-${name}`, {
      function: targets[name].fn,
      schedule: everyMinutes(everySeconds / 60),
      retries: 2, // for events that the scheduler could not deliver
      dlq: targets[name].deadLetters.arn,
    });
  }
  return targets;
}

type Alone = { memory: `${number} MB`; timeout: `${number} seconds` };

/** Creates a function with a concurrency of one. */
function createAlone(
  id: string,
  stage: string,
  name: 'sweep' | 'evaluate' | 'digest',
  resources: Resources,
  { memory, timeout }: Alone,
) {
  const deadLetters = createDeadLetters(`${id}DeadLetters`);
  const fn = new sst.aws.Function(id, {
    ...common(stage, name, resources),
    memory,
    timeout,
    concurrency: { reserved: AT_ONCE[name] },
    retries: 0,
    permissions: [...permissionsOf(resources)[name], mayLeaveAt(deadLetters)],
    transform: {
      ...COMMON_TRANSFORM,
      function: { ...TRACED, ...deadLettersAt(deadLetters) },
      eventInvokeConfig: { maximumEventAgeInSeconds: 60 },
    },
  });
  return { fn, deadLetters };
}

const everyMinutes = (minutes: number) => `rate(${minutes} ${minutes === 1 ? 'minute' : 'minutes'})` as const;

/**
 * Creates the durable workflow. A deployment publishes a new version and points the alias at it; executions finish on
 * the version with which they began.
 */
export function createWorkflow(stage: string, resources: Resources) {
  const deadLetters = createDeadLetters('IncidentResponseDeadLetters');
  const workflow = new sst.aws.Workflow('IncidentResponse', {
    ...common(stage, 'incident-response', resources),
    timeout: {
      execution: `${WORKFLOW.executionTimeoutSeconds} seconds`,
      invocation: `${WORKFLOW.invocationTimeoutSeconds} seconds`,
    },
    retention: `${WORKFLOW.retentionDays} days`,
    permissions: [...permissionsOf(resources).workflow, mayLeaveAt(deadLetters)],
    transform: { function: { role: TRUST, function: durable({ ...TRACED, ...deadLettersAt(deadLetters) }) } },
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
const durable =
  (more: object) =>
  (args: object, options: $util.CustomResourceOptions): undefined => {
    Object.assign(args, more);
    options.customTimeouts = { ...options.customTimeouts, delete: `${DURABLE_DELETE_MINUTES}m` };
  };

/**
 * Lets functions invoke themselves, through a queue or directly. By default, Lambda drops about the 17th call of such a
 * chain: docs/adr/0027-allow-recursion-for-functions-that-call-themselves.md
 */
export function allowRecursion(
  functions: Record<(typeof RECURSIVE)[number], sst.aws.Function | sst.aws.Workflow>,
): void {
  for (const name of RECURSIVE) {
    new aws.lambda.FunctionRecursionConfig(`Recursion-${name}`, {
      functionName: functions[name].name,
      recursiveLoop: 'Allow',
    });
  }
}
