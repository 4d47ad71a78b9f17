import {
  DIGEST_TIMEOUT_SECONDS,
  EVALUATE_TIMEOUT_SECONDS,
  HTTP_TIMEOUT_SECONDS,
  PEOPLE,
  PROJECT,
  QUEUE,
  RECURSIVE,
  ROUTER_TIMEOUT_SECONDS,
  SCHEDULES,
  SLACK_TIMEOUT_SECONDS,
  SWEEP_TIMEOUT_SECONDS,
  WORKFLOW,
} from '../aws/resources.ts';
import { type FUNCTION_GRANTS } from '../aws/secret-groups.ts';
import { environmentOf } from './environment.ts';
import { functionName, WORKFLOW_ALIAS } from './names.ts';
import { mayLeaveAt, permissionsOf, type Resources } from './permissions.ts';
import { createDeadLetters, type Feed } from './queues.ts';

/**
 * Calls at once. Kept apart for each function, so that a storm at one does not starve the others: nothing in front of
 * the receivers throttles, this is their only limit. Reserved out of the account's quota, which is 1,000 by default.
 */
const AT_ONCE = {
  http: 100,
  /** Of one workspace; Slack sends at most ten events a second. */
  slack: 20,
  /** Of those who do something in Slack, each in their channel. */
  people: 10,
  urgent: 20,
  ordinary: 10,
  unmatched: 4,
  /** For each place where incidents are shown: the least that an event source takes. One works, the other finds that. */
  shown: 2,
  sweep: 1,
  evaluate: 1,
  digest: 1,
};

const LOGS = { format: 'json', retention: '3 months' } as const;

/** What the functions have in common. */
function common(stage: string, name: keyof typeof FUNCTION_GRANTS, resources: Resources) {
  return {
    name: functionName(stage, name),
    handler: `functions/${name}.handler`,
    runtime: 'nodejs24.x' as const,
    architecture: 'arm64' as const,
    memory: '1024 MB' as const, // less memory is less processor, and a cold start is processor time
    environment: environmentOf(stage, name, resources),
    logging: LOGS,
    policies: $util.output([resources.arns.managedPolicy('AWSXRayDaemonWriteAccess')]),
  };
}

const TRACED = { tracingConfig: { mode: 'Active' } };

/** SST's own policy also trusts the account itself: with it, every role that may assume roles could act as Firebreak. */
const TRUST = {
  assumeRolePolicy: JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  }),
};

const COMMON_TRANSFORM = { function: TRACED, role: TRUST };

const deadLettersAt = (queue: sst.aws.Queue) => ({ deadLetterConfig: { targetArn: queue.arn } });

/** The HTTP API at a public address; why it is an HTTP API: docs/adr/0008-receive-webhooks-through-an-http-api.md */
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
 * What Slack calls, at the same address. It has to answer within three seconds of a cold start, so it is small: the
 * clients of AWS are those of the runtime.
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

/** From the queues of signals into the table. Each has places that the others cannot take. */
export function createRouter(stage: string, resources: Resources) {
  const route = new sst.aws.Function('Route', {
    ...common(stage, 'route', resources),
    timeout: `${ROUTER_TIMEOUT_SECONDS} seconds`,
    concurrency: { reserved: AT_ONCE.urgent + AT_ONCE.ordinary + AT_ONCE.unmatched },
    permissions: permissionsOf(resources).route,
    transform: COMMON_TRANSFORM,
  });
  subscribe(resources.urgent, route, AT_ONCE.urgent, QUEUE.urgentBatchSize);
  subscribe(resources.ordinary, route, AT_ONCE.ordinary);
  subscribe(resources.unmatched, route, AT_ONCE.unmatched, QUEUE.unmatchedBatchSize);
  return route;
}

function subscribe({ queue }: Feed, to: sst.aws.Function, atOnce: number, size: number = QUEUE.batchSize): void {
  queue.subscribe(to.arn, {
    batch: { size, partialResponses: true },
    transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: atOnce } } },
  });
}

/** What people did in Slack and at the pager, into what it means. */
export function createHearing(stage: string, resources: Resources) {
  const hear = new sst.aws.Function('Hear', {
    ...common(stage, 'hear', resources),
    timeout: `${PEOPLE.timeoutSeconds} seconds`,
    concurrency: { reserved: AT_ONCE.people },
    permissions: permissionsOf(resources).hear,
    transform: COMMON_TRANSFORM,
  });
  subscribe(resources.people, hear, AT_ONCE.people, PEOPLE.batchSize);
  return hear;
}

/** What is due, to where it is shown. A place that is slow or down takes no function from the others. */
export function createProjector(stage: string, resources: Resources) {
  const feeds = Object.values(resources.shown);
  const project = new sst.aws.Function('Project', {
    ...common(stage, 'project', resources),
    timeout: `${PROJECT.timeoutSeconds} seconds`,
    concurrency: { reserved: AT_ONCE.shown * feeds.length },
    permissions: permissionsOf(resources).project,
    transform: COMMON_TRANSFORM,
  });
  for (const feed of feeds) subscribe(feed, project, AT_ONCE.shown);
  return project;
}

/** What is called by the clock. What fails is not tried again by Lambda: the next minute is never far. */
export function createScheduled(stage: string, resources: Resources) {
  const sweep = createAlone('Sweep', stage, 'sweep', resources, {
    memory: '512 MB',
    timeout: `${SWEEP_TIMEOUT_SECONDS} seconds`,
  });
  const evaluate = createAlone('Evaluate', stage, 'evaluate', resources, {
    memory: '2048 MB', // a month of two thousand objectives is 300 MB
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
      retries: 2, // of what the scheduler could not hand over
      dlq: targets[name].deadLetters.arn,
    });
  }
  return targets;
}

type Alone = { memory: `${number} MB`; timeout: `${number} seconds` };

/** One at a time. */
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
 * The durable workflow. A deployment publishes a new version and points the alias at it; executions end on the version
 * that they began with.
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

/** Minutes. Lambda stops the executions of a durable function before it deletes it; the provider waits ten by default. */
const DURABLE_DELETE_MINUTES = 60;

/** Adds to the function's arguments, and to its options what can only be set there. */
const durable =
  (more: object) =>
  (args: object, options: $util.CustomResourceOptions): undefined => {
    Object.assign(args, more);
    options.customTimeouts = { ...options.customTimeouts, delete: `${DURABLE_DELETE_MINUTES}m` };
  };

/**
 * Lets functions call themselves again, by a queue or directly. By default Lambda drops about the 17th call of such a
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
