import { QUEUE, ROUTER_TIMEOUT_SECONDS, TABLE } from '../aws/resources.ts';
import type { Target } from '../schemas/projection.ts';
import { functionName } from './names.ts';
import type { Feed } from './queues.ts';

/** Two full tries of the router. */
const URGENT_AGE_SECONDS = 2 * ROUTER_TIMEOUT_SECONDS;
const ORDINARY_AGE_SECONDS = 600;
/** Whoever has typed a command looks at their screen. */
const PEOPLE_AGE_SECONDS = 60;

/** A projector asks to be woken later, at most this late. Whether SQS counts that as age its documentation leaves open. */
const LONGEST_DELAY_SECONDS = 900;
const SHOWN_LATE_SECONDS = 600;

/** Percent of the account's quota; AWS's own recommendation. */
const RUNNING_MAX_PERCENT = 80;

/** Calls in a quarter of an hour that no storm explains: a function that is allowed to call itself again does not stop. */
const RUNAWAY_MINUTES = 15;
const RUNAWAY_CALLS = 30_000;

/** Everything that is watched. */
export type Watched = {
  urgent: Feed;
  ordinary: Feed;
  unmatched: Feed;
  people: Feed;
  shown: Record<Target, Feed>;
  /** Those of no queue, by what they belong to. */
  otherDeadLetters: Record<string, sst.aws.Queue>;
  api: sst.aws.ApiGatewayV2;
  /** By the name that their alarms get. */
  functions: Record<
    'http' | 'slack' | 'hear' | 'route' | 'project' | 'sweep' | 'evaluate' | 'digest',
    sst.aws.Function
  >;
  workflow: sst.aws.Workflow;
  table: sst.aws.Dynamo;
};

type Metric = {
  namespace: string;
  metricName: string;
  dimensions: Record<string, $util.Input<string>>;
  statistic: 'Sum' | 'Maximum';
};

/** What went wrong in words, and over how many minutes the metric has to be above or below what. */
type Alarm = { says: string; metric: Metric; minutes: number } & ({ above: number } | { below: number });

/**
 * Alarms that tell people, by a topic, that Firebreak itself is not well: that way must not lead through Firebreak.
 *
 * @param email subscribed to the topic when given
 */
export function createAlarms(stage: string, watched: Watched, email: string | undefined): sst.aws.SnsTopic {
  const topic = new sst.aws.SnsTopic('Alarms');
  if (email) new aws.sns.TopicSubscription('AlarmsEmail', { topic: topic.arn, protocol: 'email', endpoint: email });
  const alarms = {
    ...ofDeadLetters(watched),
    ...ofWaiting(watched),
    ...ofFunctions(watched),
    ...ofAsyncCalls(watched),
    ...ofRecursion(watched),
    ...ofWorkflow(watched),
    ...ofTable(watched),
    ...ofApi(watched),
  };
  for (const [name, alarm] of Object.entries(alarms)) {
    new aws.cloudwatch.MetricAlarm(`Alarm-${name}`, {
      name: functionName(stage, name),
      alarmDescription: alarm.says,
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

/** No data is good news where a number must stay low, and bad news where it must not stop. */
const conditionOf = (alarm: Alarm) =>
  'above' in alarm
    ? { comparisonOperator: 'GreaterThanThreshold', threshold: alarm.above, treatMissingData: 'notBreaching' }
    : { comparisonOperator: 'LessThanThreshold', threshold: alarm.below, treatMissingData: 'breaching' };

/** Of queues where nothing should ever arrive. */
function ofDeadLetters({
  urgent,
  ordinary,
  unmatched,
  people,
  shown,
  otherDeadLetters,
}: Watched): Record<string, Alarm> {
  const ofFeeds = Object.entries({ urgent, ordinary, unmatched, people, ...shown }).map(
    ([name, { deadLetters }]) => [name, deadLetters] as const,
  );
  const notEmpty = [...ofFeeds, ...Object.entries(otherDeadLetters)].map(([name, queue]): [string, Alarm] => [
    `${name}-dead-letters`,
    {
      says: `What ${name} gave up lies in its dead-letter queue for ${QUEUE.deadLetterDays} days. See docs/aws.md`,
      metric: ofQueue(queue, 'ApproximateNumberOfMessagesVisible'),
      minutes: 1,
      above: 0,
    },
  ]);
  return Object.fromEntries(notEmpty);
}

function ofWaiting({ urgent, ordinary, unmatched, people, shown }: Watched): Record<string, Alarm> {
  const late = Object.entries(shown).map(([target, { queue }]): [string, Alarm] => [
    `${target}-age`,
    {
      says: `The projector for ${target} should have looked more than ${SHOWN_LATE_SECONDS} seconds ago, and has not`,
      metric: ofQueue(queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 5,
      above: LONGEST_DELAY_SECONDS + SHOWN_LATE_SECONDS,
    },
  ]);
  return {
    'urgent-age': {
      says: `A signal that may page has been waiting for more than ${URGENT_AGE_SECONDS} seconds`,
      metric: ofQueue(urgent.queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 1,
      above: URGENT_AGE_SECONDS,
    },
    'ordinary-age': {
      says: `A signal that pages nobody has been waiting for more than ${ORDINARY_AGE_SECONDS} seconds`,
      metric: ofQueue(ordinary.queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 5,
      above: ORDINARY_AGE_SECONDS,
    },
    'unmatched-age': {
      says: `A signal of a service outside the catalogue has been waiting for more than ${ORDINARY_AGE_SECONDS} seconds`,
      metric: ofQueue(unmatched.queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 5,
      above: ORDINARY_AGE_SECONDS,
    },
    'people-age': {
      says: `What somebody did in Slack has been waiting for more than ${PEOPLE_AGE_SECONDS} seconds`,
      metric: ofQueue(people.queue, 'ApproximateAgeOfOldestMessage'),
      minutes: 1,
      above: PEOPLE_AGE_SECONDS,
    },
    ...Object.fromEntries(late),
  };
}

function ofFunctions({ functions, workflow }: Watched): Record<string, Alarm> {
  const errors = Object.entries(functions).map(([name, { name: functionName }]): [string, Alarm] => [
    `${name}-errors`,
    {
      says: `${name} threw, ran out of time, or could not start`,
      metric: ofLambda(functionName, 'Errors'),
      minutes: 1,
      above: 0,
    },
  ]);
  const throttles = Object.entries({ ...functions, workflow }).map(
    ([name, { name: functionName }]): [string, Alarm] => [
      `${name}-throttles`,
      {
        says: `${name} is called more often at once than it has places: infra/functions.ts, or the account's quota`,
        metric: ofLambda(functionName, 'Throttles'),
        minutes: 1,
        above: 0,
      },
    ],
  );
  return {
    ...Object.fromEntries([...errors, ...throttles]),
    'sweep-silent': {
      says: 'The sweeper has not run for five minutes: what was forgotten is not picked up',
      metric: ofLambda(functions.sweep.name, 'Invocations'),
      minutes: 5,
      below: 1,
    },
    'evaluate-silent': {
      says: 'No objective has been evaluated for five minutes: freezes neither begin nor end',
      metric: ofLambda(functions.evaluate.name, 'Invocations'),
      minutes: 5,
      below: 1,
    },
    'digest-silent': {
      says: 'Stakeholders have not been told how incidents stand for five minutes',
      metric: ofLambda(functions.digest.name, 'Invocations'),
      minutes: 5,
      below: 1,
    },
  };
}

/** Its `Errors` are attempts, which are tried again; these are ends. */
const ofWorkflow = ({ workflow }: Watched): Record<string, Alarm> => ({
  'workflow-failed': {
    says: 'A workflow has failed; the sweeper lets the next run take over',
    metric: ofLambda(workflow.name, 'DurableExecutionFailed'),
    minutes: 1,
    above: 0,
  },
  'workflow-timed-out': {
    says: 'A workflow has reached its execution time-out without handing over',
    metric: ofLambda(workflow.name, 'DurableExecutionTimedOut'),
    minutes: 1,
    above: 0,
  },
  'workflow-quota': {
    says: `Workflows use more than ${RUNNING_MAX_PERCENT} % of the durable executions that the account may run at once`,
    metric: {
      namespace: 'AWS/Lambda',
      metricName: 'ApproximateRunningDurableExecutionsUtilization',
      dimensions: {}, // of the whole account
      statistic: 'Maximum',
    },
    minutes: 5,
    above: RUNNING_MAX_PERCENT,
  },
});

/** Calls that Lambda accepted and then gave up, because no place was free for too long or the dead-letter queue failed. */
function ofAsyncCalls({ functions: { sweep, evaluate, digest }, workflow }: Watched): Record<string, Alarm> {
  const alarms = Object.entries({ sweep, evaluate, digest, workflow }).flatMap(([name, { name: functionName }]) => [
    [
      `${name}-dropped`,
      {
        says: `Lambda has dropped a call of ${name} that it had accepted`,
        metric: ofLambda(functionName, 'AsyncEventsDropped'),
        minutes: 1,
        above: 0,
      },
    ] as const,
    [
      `${name}-dead-letters-lost`,
      {
        says: `Lambda could not write a failed call of ${name} to its dead-letter queue`,
        metric: ofLambda(functionName, 'DeadLetterErrors'),
        minutes: 1,
        above: 0,
      },
    ] as const,
  ]);
  return Object.fromEntries(alarms);
}

/** Of functions that are called by other functions. */
function ofRecursion({ functions: { hear, route, project }, workflow }: Watched): Record<string, Alarm> {
  const dropped = Object.entries({ hear, route, project, workflow }).map(
    ([name, { name: functionName }]): [string, Alarm] => [
      `${name}-recursion`,
      {
        says: `Lambda has taken calls of ${name} for an endless loop and dropped one`,
        metric: ofLambda(functionName, 'RecursiveInvocationsDropped'),
        minutes: 1,
        above: 0,
      },
    ],
  );
  const runaway = Object.entries({ project, workflow }).map(([name, { name: functionName }]): [string, Alarm] => [
    `${name}-runaway`,
    {
      says: `${name} was called more than ${RUNAWAY_CALLS} times in ${RUNAWAY_MINUTES} minutes: it may be calling itself without end`,
      metric: ofLambda(functionName, 'Invocations'),
      minutes: RUNAWAY_MINUTES,
      above: RUNAWAY_CALLS,
    },
  ]);
  return Object.fromEntries([...dropped, ...runaway]);
}

/** DynamoDB throttles a partition that is too hot, and a table that grows faster than on-demand capacity follows. */
function ofTable({ table }: Watched): Record<string, Alarm> {
  const indexes = { table: {}, index: { GlobalSecondaryIndexName: TABLE.index.name } };
  const throttles = Object.entries(indexes).flatMap(([part, dimensions]) =>
    ['Read', 'Write'].map((kind): [string, Alarm] => [
      `${part}-${kind.toLowerCase()}s-throttled`,
      {
        says: `DynamoDB has throttled ${kind.toLowerCase()}s of the ${part}; requests are retried and become slow`,
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

const ofApi = ({ api }: Watched): Record<string, Alarm> => ({
  'http-5xx': {
    says: 'A request was answered with 5xx; its sender has to come again, Grafana only does at its next interval',
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

const ofQueue = (queue: sst.aws.Queue, metricName: string): Metric => ({
  namespace: 'AWS/SQS',
  metricName,
  dimensions: { QueueName: queue.nodes.queue.name },
  statistic: 'Maximum',
});

const ofLambda = (functionName: $util.Input<string>, metricName: string): Metric => ({
  namespace: 'AWS/Lambda',
  metricName,
  dimensions: { FunctionName: functionName },
  statistic: 'Sum',
});
