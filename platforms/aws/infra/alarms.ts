import { type FunctionName, functionName, FUNCTIONS } from '../../../assembly/functions.ts';
import { QUEUE, TABLE } from '../../../assembly/resources.ts';
import { type QueueName } from '../../../schemas/config/queues.ts';
import { PROJECTION_TARGET_NAMES } from '../../../schemas/incidents/projection.ts';
import type { QueueWithDeadLetters } from './queues.ts';

/** Two complete attempts of the function that routes alerts to incidents. */
const URGENT_AGE_SECONDS = 2 * FUNCTIONS.route.timeoutSeconds;
/** These alerts page no one, so they can wait longer. */
const ORDINARY_AGE_SECONDS = 600;
/** The person who typed a command is waiting for the response. */
const PEOPLE_AGE_SECONDS = 60;

/** The longest delay of a message that wakes a projector. AWS does not document whether the age of a message includes it. */
const LONGEST_DELAY_SECONDS = 900;
const PROJECTION_LATE_SECONDS = 600;

/** Percent of the account's quota, as AWS recommends. */
const RUNNING_MAX_PERCENT = 80;

/** More calls in 15 minutes than any alert storm causes: the function probably invokes itself endlessly. */
const RUNAWAY_MINUTES = 15;
const RUNAWAY_CALLS = 30_000;

/** Resources that have alarms. */
export type Watched = {
  queues: Record<QueueName, QueueWithDeadLetters>;
  /** Dead-letter queues of functions, by the function's name. */
  otherDeadLetters: Record<string, sst.aws.Queue>;
  api: sst.aws.ApiGatewayV2;
  /** By the name that their alarms contain. */
  functions: Record<Exclude<FunctionName, 'incident-response'>, sst.aws.Function>;
  workflow: sst.aws.Workflow;
  table: sst.aws.Dynamo;
};

type Metric = {
  namespace: string;
  metricName: string;
  dimensions: Record<string, $util.Input<string>>;
  statistic: 'Sum' | 'Maximum';
};

/** The description of an alarm, and the number of minutes for which the metric must be above or below a value. */
type Alarm = { description: string; metric: Metric; minutes: number } & ({ above: number } | { below: number });

/**
 * Creates alarms that notify people through a topic when Firebreak itself has a problem, since Firebreak cannot report
 * it.
 *
 * @param email subscribed to the topic if given
 */
export function createAlarms(stage: string, watched: Watched, email: string | undefined): sst.aws.SnsTopic {
  const topic = new sst.aws.SnsTopic('Alarms');
  if (email) new aws.sns.TopicSubscription('AlarmsEmail', { topic: topic.arn, protocol: 'email', endpoint: email });
  const alarms = {
    ...deadLetterAlarms(watched),
    ...waitingAlarms(watched),
    ...functionAlarms(watched),
    ...asyncCallAlarms(watched),
    ...recursionAlarms(watched),
    ...workflowAlarms(watched),
    ...tableAlarms(watched),
    ...apiAlarms(watched),
  };
  for (const [name, alarm] of Object.entries(alarms)) {
    new aws.cloudwatch.MetricAlarm(`Alarm-${name}`, {
      name: functionName(stage, name),
      alarmDescription: alarm.description,
      ...alarm.metric,
      ...conditionOf(alarm),
      period: alarm.minutes * 60,
      evaluationPeriods: 1,
      alarmActions: [topic.arn],
      okActions: [topic.arn],
    });
  }
  return topic;
}

/** For a metric with an upper limit, missing data is normal. For one with a lower limit, it breaches the limit. */
const conditionOf = (alarm: Alarm) =>
  'above' in alarm
    ? { comparisonOperator: 'GreaterThanThreshold', threshold: alarm.above, treatMissingData: 'notBreaching' }
    : { comparisonOperator: 'LessThanThreshold', threshold: alarm.below, treatMissingData: 'breaching' };

/** Alarms for queues that must stay empty. */
function deadLetterAlarms({ queues, otherDeadLetters }: Watched): Record<string, Alarm> {
  const ofQueues = Object.entries(queues).map(([name, { deadLetters }]) => [name, deadLetters] as const);
  const notEmpty = [...ofQueues, ...Object.entries(otherDeadLetters)].map(([name, queue]): [string, Alarm] => [
    `${name}-dead-letters`,
    {
      description: `Messages that ${name} could not process are in its dead-letter queue for ${QUEUE.deadLetterDays} days. See docs/how-to/aws.md`,
      metric: queueMetric(queue, 'ApproximateNumberOfMessagesVisible'),
      minutes: 1,
      above: 0,
    },
  ]);
  return Object.fromEntries(notEmpty);
}

function waitingAlarms({ queues }: Watched): Record<string, Alarm> {
  const late = PROJECTION_TARGET_NAMES.map((target): [string, Alarm] => [
    `${target}-age`,
    {
      description: `The projector for ${target} is more than ${PROJECTION_LATE_SECONDS} seconds late`,
      metric: queueMetric(queues[target].queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 5,
      above: LONGEST_DELAY_SECONDS + PROJECTION_LATE_SECONDS,
    },
  ]);
  return {
    'urgent-age': {
      description: `A signal that can page has waited for more than ${URGENT_AGE_SECONDS} seconds`,
      metric: queueMetric(queues.urgent.queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 1,
      above: URGENT_AGE_SECONDS,
    },
    'ordinary-age': {
      description: `A signal that does not page has waited for more than ${ORDINARY_AGE_SECONDS} seconds`,
      metric: queueMetric(queues.ordinary.queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 5,
      above: ORDINARY_AGE_SECONDS,
    },
    'unmatched-age': {
      description: `A signal of a service outside the catalogue has waited for more than ${ORDINARY_AGE_SECONDS} seconds`,
      metric: queueMetric(queues.unmatched.queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 5,
      above: ORDINARY_AGE_SECONDS,
    },
    'people-age': {
      description: `An action of a person in Slack or PagerDuty has waited for more than ${PEOPLE_AGE_SECONDS} seconds`,
      metric: queueMetric(queues.people.queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 1,
      above: PEOPLE_AGE_SECONDS,
    },
    ...Object.fromEntries(late),
  };
}

function functionAlarms({ functions, workflow }: Watched): Record<string, Alarm> {
  const errors = Object.entries(functions).map(([name, { name: functionName }]): [string, Alarm] => [
    `${name}-errors`,
    {
      description: `${name} threw an error, timed out, or could not start`,
      metric: lambdaMetric(functionName, 'Errors'),
      minutes: 1,
      above: 0,
    },
  ]);
  const throttles = Object.entries({ ...functions, workflow }).map(
    ([name, { name: functionName }]): [string, Alarm] => [
      `${name}-throttles`,
      {
        description: `${name} is throttled: raise its reserved concurrency in platforms/aws/infra/functions.ts, or the account's quota`,
        metric: lambdaMetric(functionName, 'Throttles'),
        minutes: 1,
        above: 0,
      },
    ],
  );
  return {
    ...Object.fromEntries([...errors, ...throttles]),
    'sweep-silent': {
      description: 'The sweeper has not run for five minutes: workflows that stopped are not restarted',
      metric: lambdaMetric(functions.sweep.name, 'Invocations'),
      minutes: 5,
      below: 1,
    },
    'evaluate-silent': {
      description: 'Objectives have not been evaluated for five minutes: freezes neither begin nor end',
      metric: lambdaMetric(functions.evaluate.name, 'Invocations'),
      minutes: 5,
      below: 1,
    },
    'digest-silent': {
      description: 'Updates to stakeholders have not been sent for five minutes',
      metric: lambdaMetric(functions.digest.name, 'Invocations'),
      minutes: 5,
      below: 1,
    },
    'snapshot-silent': {
      description: 'The snapshot of the status pages has not been written for five minutes: readers see that it is old',
      metric: lambdaMetric(functions.snapshot.name, 'Invocations'),
      minutes: 5,
      below: 1,
    },
  };
}

/** The workflow's `Errors` metric counts attempts, which are retried; these metrics count failed executions. */
const workflowAlarms = ({ workflow }: Watched): Record<string, Alarm> => ({
  'workflow-failed': {
    description: 'A workflow has failed; the sweeper starts the next run',
    metric: lambdaMetric(workflow.name, 'DurableExecutionFailed'),
    minutes: 1,
    above: 0,
  },
  'workflow-timed-out': {
    description: 'A workflow has reached its execution timeout without handing over to the next run',
    metric: lambdaMetric(workflow.name, 'DurableExecutionTimedOut'),
    minutes: 1,
    above: 0,
  },
  'workflow-quota': {
    description: `Workflows use more than ${RUNNING_MAX_PERCENT} % of the account's quota of concurrent durable executions`,
    metric: {
      namespace: 'AWS/Lambda',
      metricName: 'ApproximateRunningDurableExecutionsUtilization',
      dimensions: {}, // for the whole account
      statistic: 'Maximum',
    },
    minutes: 5,
    above: RUNNING_MAX_PERCENT,
  },
});

/**
 * Alarms for calls that Lambda accepted and then dropped, because concurrency was used up for too long or the
 * dead-letter queue failed.
 */
function asyncCallAlarms({
  functions: { sweep, evaluate, digest, snapshot },
  workflow,
}: Watched): Record<string, Alarm> {
  const alarms = Object.entries({ sweep, evaluate, digest, snapshot, workflow }).flatMap(
    ([name, { name: functionName }]) => [
      [
        `${name}-dropped`,
        {
          description: `Lambda has dropped an accepted asynchronous call of ${name}`,
          metric: lambdaMetric(functionName, 'AsyncEventsDropped'),
          minutes: 1,
          above: 0,
        },
      ] as const,
      [
        `${name}-dead-letters-lost`,
        {
          description: `Lambda could not write a failed call of ${name} to its dead-letter queue`,
          metric: lambdaMetric(functionName, 'DeadLetterErrors'),
          minutes: 1,
          above: 0,
        },
      ] as const,
    ],
  );
  return Object.fromEntries(alarms);
}

/** Alarms for functions that other functions invoke. */
function recursionAlarms({ functions: { inbound, route, project }, workflow }: Watched): Record<string, Alarm> {
  const dropped = Object.entries({ inbound, route, project, workflow }).map(
    ([name, { name: functionName }]): [string, Alarm] => [
      `${name}-recursion`,
      {
        description: `Lambda has detected a recursive loop in calls of ${name} and dropped one`,
        metric: lambdaMetric(functionName, 'RecursiveInvocationsDropped'),
        minutes: 1,
        above: 0,
      },
    ],
  );
  const runaway = Object.entries({ project, workflow }).map(([name, { name: functionName }]): [string, Alarm] => [
    `${name}-runaway`,
    {
      description: `${name} was called more than ${RUNAWAY_CALLS} times in ${RUNAWAY_MINUTES} minutes: it may be invoking itself endlessly`,
      metric: lambdaMetric(functionName, 'Invocations'),
      minutes: RUNAWAY_MINUTES,
      above: RUNAWAY_CALLS,
    },
  ]);
  return Object.fromEntries([...dropped, ...runaway]);
}

/** DynamoDB throttles a hot partition, and a table whose traffic grows faster than on-demand capacity. */
function tableAlarms({ table }: Watched): Record<string, Alarm> {
  const indexes = { table: {}, index: { GlobalSecondaryIndexName: TABLE.index.name } };
  const throttles = Object.entries(indexes).flatMap(([part, dimensions]) =>
    ['Read', 'Write'].map((kind): [string, Alarm] => [
      `${part}-${kind.toLowerCase()}s-throttled`,
      {
        description: `DynamoDB has throttled ${kind.toLowerCase()}s of the ${part}; requests are retried and take longer`,
        metric: {
          namespace: 'AWS/DynamoDB',
          metricName: `${kind}ThrottleEvents`,
          dimensions: { TableName: table.name, ...dimensions },
          statistic: 'Sum',
        },
        minutes: 1,
        above: 0,
      },
    ]),
  );
  return Object.fromEntries(throttles);
}

const apiAlarms = ({ api }: Watched): Record<string, Alarm> => ({
  'http-5xx': {
    description: 'A response had a 5xx status. The sender must retry; Grafana retries only at its next interval',
    metric: {
      namespace: 'AWS/ApiGateway',
      metricName: '5xx',
      dimensions: { ApiId: api.nodes.api.id },
      statistic: 'Sum',
    },
    minutes: 1,
    above: 0,
  },
});

const queueMetric = (queue: sst.aws.Queue, metricName: string): Metric => ({
  namespace: 'AWS/SQS',
  metricName,
  dimensions: { QueueName: queue.nodes.queue.name },
  statistic: 'Maximum',
});

const lambdaMetric = (functionName: $util.Input<string>, metricName: string): Metric => ({
  namespace: 'AWS/Lambda',
  metricName,
  dimensions: { FunctionName: functionName },
  statistic: 'Sum',
});
