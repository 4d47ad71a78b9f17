import { createHash } from 'node:crypto';
import { functionName } from './names.ts';
import type { Alarm, AlarmName, PlainFunction, Product } from './product.ts';
import type { Queues, QueueWithDeadLetters } from './queues.ts';
import { budgetOf, receiversOf, SEVERITIES, type Severity, type Size, type Stage } from './stage.ts';

/** CloudWatch's limit for the metrics of one alarm. */
const METRICS_MAX = 10;

/** Resources that have alarms. */
export type Watched = {
  queues: Queues;
  workflowDeadLetters: sst.aws.Queue;
  /** Of all scheduled functions. */
  jobsDeadLetters: sst.aws.Queue;
  awsChangesDeadLetters: sst.aws.Queue | undefined;
  api: sst.aws.ApiGatewayV2;
  functions: Record<PlainFunction, sst.aws.Function>;
  workflow: sst.aws.Workflow;
  table: sst.aws.Dynamo;
};

type Metric = {
  namespace: string;
  metricName: string;
  dimensions: Record<string, $util.Input<string>>;
  statistic: 'Sum' | 'Maximum';
};

/**
 * Creates alarms that notify people when Firebreak itself has a problem, since Firebreak cannot report it, with a
 * dashboard of them. Returns the topic of each severity.
 */
export function createAlarms(
  product: Product,
  watched: Watched,
  settings: Pick<Stage, 'name' | 'alarms' | 'monthlyBudgetUsd' | 'size'>,
): Record<Severity, sst.aws.SnsTopic> {
  const { name: stage, size } = settings;
  const { namesIn, rowOf, intake } = product.alarms;
  const topics = {
    critical: createTopic('AlarmsCritical', receiversOf(settings, 'critical')),
    warning: createTopic('AlarmsWarning', receiversOf(settings, 'warning')),
    info: createTopic('AlarmsInfo', receiversOf(settings, 'info')),
  };
  const metrics = metricsOf(product, watched, size);
  const alarms = namesIn(size).map((name) => {
    const row = rowOf(name);
    const actions = row.isIntake ? {} : notifying(topics[row.severity]);
    return { name, severity: row.severity, alarm: createAlarm(stage, name, row, metrics[name], actions) };
  });
  const parts = alarms.filter(({ name }) => intake.parts.includes(name)).map(({ alarm }) => alarm.name);
  new aws.cloudwatch.CompositeAlarm(`Alarm-${intake.name}`, {
    alarmName: functionName(stage, intake.name),
    alarmDescription: intake.description,
    alarmRule: $util.all(parts).apply((names) => names.map((name) => `ALARM("${name}")`).join(' OR ')),
    ...notifying(topics[intake.severity]),
  });
  createDashboard(stage, alarms);
  createBudget(stage, topics.warning, budgetOf(settings));
  return topics;
}

const notifying = ({ arn }: sst.aws.SnsTopic) => ({ alarmActions: [arn], okActions: [arn] });

/** A subscription keeps its name if the order of receivers changes. */
function createTopic(id: string, receivers: readonly string[]): sst.aws.SnsTopic {
  const topic = new sst.aws.SnsTopic(id);
  for (const endpoint of receivers) {
    const protocol = endpoint.startsWith('https:') ? 'https' : 'email';
    const name = createHash('sha256').update(endpoint).digest('hex').slice(0, 8);
    new aws.sns.TopicSubscription(`${id}-${name}`, { topic: topic.arn, protocol, endpoint });
  }
  return topic;
}

/** @throws Error if there are more metrics than CloudWatch allows in one alarm */
function createAlarm(stage: string, name: string, row: Alarm, metrics: readonly Metric[], actions: object) {
  if (metrics.length > METRICS_MAX)
    throw new Error(`alarm ${name}: ${metrics.length} metrics, at most ${METRICS_MAX} are allowed: split it`);
  const { description, trigger, minutes } = row;
  return new aws.cloudwatch.MetricAlarm(`Alarm-${name}`, {
    name: functionName(stage, name),
    alarmDescription: `${description}. See docs/how-to/aws.md`,
    ...queryOf(trigger.kind, metrics, minutes * 60),
    // For a metric with an upper limit, missing data is normal. For one with a lower limit, it breaches the limit.
    ...(trigger.kind === 'silent'
      ? { comparisonOperator: 'LessThanThreshold', threshold: 1, treatMissingData: 'breaching' }
      : {
          comparisonOperator: 'GreaterThanThreshold',
          threshold: trigger.kind === 'new' ? 0 : trigger.above,
          treatMissingData: 'notBreaching',
        }),
    evaluationPeriods: 1,
    ...actions,
  });
}

/**
 * Expressions over all metrics of an alarm. Missing values count as zero: most metrics exist only while something happens,
 * and a queue that was empty for six hours has no value before its first message.
 */
const EXPRESSIONS = {
  sum: 'SUM(FILL(METRICS(), 0))',
  max: 'MAX(FILL(METRICS(), 0))',
  new: 'MAX(DIFF(FILL(METRICS(), 0)))',
} as const;

function queryOf(kind: 'silent' | keyof typeof EXPRESSIONS, metrics: readonly Metric[], period: number) {
  const [first, ...others] = metrics;
  if (kind === 'silent' || (kind !== 'new' && others.length === 0)) return { ...first, period };
  return {
    metricQueries: [
      { id: 'all', expression: EXPRESSIONS[kind], label: kind, returnData: true },
      ...metrics.map(({ statistic, ...metric }, n) => ({
        id: `m${n}`,
        metric: { ...metric, stat: statistic, period },
      })),
    ],
  };
}

function metricsOf(product: Product, watched: Watched, size: Size): Record<AlarmName, Metric[]> {
  const { api, functions, workflow, workflowDeadLetters, jobsDeadLetters, awsChangesDeadLetters } = watched;
  const { sweep, evaluate, digest, snapshot } = functions;
  // In a small stage, several names have the same queue.
  const projectors = [...new Set(product.projectorQueues.map(watched.queues))];
  const others = [...new Set(['ordinary', 'unmatched'].map(watched.queues))];
  const [urgent, people] = [watched.queues('urgent'), watched.queues('people')];
  return {
    'http-5xx': [
      { namespace: 'AWS/ApiGateway', metricName: '5xx', dimensions: { ApiId: api.nodes.api.id }, statistic: 'Sum' },
    ],
    'urgent-late': [age(urgent)],
    'urgent-dead-letters': [dead(urgent.deadLetters)],
    'people-late': [age(people)],
    // Lambda sends a dead letter for each execution that fails, times out, or never starts.
    'workflow-failed': [
      sent(workflowDeadLetters),
      ...['DeadLetterErrors', 'Throttles'].map((metricName) => lambdaMetric(workflow.name, metricName)),
    ],
    'workflow-quota': [
      {
        namespace: 'AWS/Lambda',
        metricName: 'ApproximateRunningDurableExecutionsUtilization',
        dimensions: {}, // for the whole account
        statistic: 'Maximum',
      },
    ],
    runaway: [workflow, ...(size === 'small' ? [] : [functions.project])].map(({ name }) =>
      lambdaMetric(name, 'Invocations'),
    ),
    'sweep-silent': [lambdaMetric(sweep.name, 'Invocations')],
    'signals-late': others.map(age),
    'projectors-late': projectors.map(age),
    'dead-letters': [
      ...[...others, people].map(({ deadLetters }) => deadLetters),
      ...(awsChangesDeadLetters ? [awsChangesDeadLetters] : []),
    ].map(dead),
    'projector-dead-letters': projectors.map(({ deadLetters }) => dead(deadLetters)),
    'jobs-failed': [
      sent(jobsDeadLetters),
      ...(size === 'small' ? [] : [sweep, evaluate, digest, snapshot]).map(({ name }) =>
        lambdaMetric(name, 'DeadLetterErrors'),
      ),
    ],
    'evaluate-silent': [lambdaMetric(evaluate.name, 'Invocations')],
    'digest-silent': [lambdaMetric(digest.name, 'Invocations')],
    'snapshot-silent': [lambdaMetric(snapshot.name, 'Invocations')],
    'table-throttled': tableMetrics(product, watched),
  };
}

/** DynamoDB throttles a hot partition, and a table whose traffic grows faster than on-demand capacity. */
function tableMetrics(product: Product, { table }: Watched): Metric[] {
  const indexes: Record<string, string>[] = [{}, { GlobalSecondaryIndexName: product.table.index.name }];
  return indexes.flatMap((index) =>
    ['ReadThrottleEvents', 'WriteThrottleEvents'].map((metricName) => ({
      namespace: 'AWS/DynamoDB',
      metricName,
      dimensions: { TableName: table.name, ...index },
      statistic: 'Sum',
    })),
  );
}

const age = ({ queue }: QueueWithDeadLetters): Metric => queueMetric(queue, 'ApproximateAgeOfOldestMessage', 'Maximum');

/** The number of dead letters of a redrive policy. */
const dead = (queue: sst.aws.Queue): Metric => queueMetric(queue, 'ApproximateNumberOfMessagesVisible', 'Maximum');

/** New dead letters of Lambda and the scheduler, which send them like anyone else. */
const sent = (queue: sst.aws.Queue): Metric => queueMetric(queue, 'NumberOfMessagesSent', 'Sum');

const queueMetric = (queue: sst.aws.Queue, metricName: string, statistic: Metric['statistic']): Metric => ({
  namespace: 'AWS/SQS',
  metricName,
  dimensions: { QueueName: queue.nodes.queue.name },
  statistic,
});

const lambdaMetric = (name: $util.Input<string>, metricName: string): Metric => ({
  namespace: 'AWS/Lambda',
  metricName,
  dimensions: { FunctionName: name },
  statistic: 'Sum',
});

/** In units of the dashboard, which is 24 wide. */
const WIDGET = { width: 8, height: 5 };
const PER_ROW = 3;

type CreatedAlarm = { name: string; severity: Severity; alarm: { arn: $util.Output<string> } };

/** Creates a dashboard with the state and the graph of each alarm, from the most urgent one. */
function createDashboard(stage: string, alarms: readonly CreatedAlarm[]): void {
  const { region } = aws.getRegionOutput();
  const sorted = SEVERITIES.flatMap((severity) => alarms.filter((one) => one.severity === severity));
  const states = {
    type: 'alarm',
    x: 0,
    y: 0,
    width: WIDGET.width * PER_ROW,
    height: WIDGET.height,
    properties: { title: 'Alarms', alarms: sorted.map(({ alarm }) => alarm.arn) },
  };
  const graphs = sorted.map(({ name, severity, alarm }, n) => ({
    type: 'metric',
    x: (n % PER_ROW) * WIDGET.width,
    y: (1 + Math.floor(n / PER_ROW)) * WIDGET.height,
    ...WIDGET,
    properties: { title: `${name} (${severity})`, region, annotations: { alarms: [alarm.arn] } },
  }));
  new aws.cloudwatch.Dashboard('Dashboard', {
    dashboardName: inAccount(stage, 'dashboard'), // shared by all Regions
    dashboardBody: $util.jsonStringify({ widgets: [states, ...graphs] }),
  });
}

/** Percent of the budget. */
const BUDGET_LIMITS = [
  { notificationType: 'ACTUAL', threshold: 100 },
  { notificationType: 'FORECASTED', threshold: 120 },
];

/** Creates the budget of the whole account: tags of costs have to be activated by hand, and count nothing until then. */
function createBudget(stage: string, topic: sst.aws.SnsTopic, monthlyUsd: number): void {
  const { accountId } = aws.getCallerIdentityOutput();
  const may = (Service: string) => ({
    Effect: 'Allow',
    Principal: { Service },
    Action: 'sns:Publish',
    Resource: topic.arn,
    Condition: { StringEquals: { 'aws:SourceAccount': accountId } },
  });
  const policy = new aws.sns.TopicPolicy('AlarmsWarningPolicy', {
    arn: topic.arn,
    policy: $util.jsonStringify({
      Version: '2012-10-17',
      Statement: [may('cloudwatch.amazonaws.com'), may('budgets.amazonaws.com')],
    }),
  });
  new aws.budgets.Budget(
    'Budget',
    {
      name: inAccount(stage, 'budget'),
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      limitAmount: String(monthlyUsd),
      limitUnit: 'USD',
      notifications: BUDGET_LIMITS.map((limit) => ({
        ...limit,
        comparisonOperator: 'GREATER_THAN',
        thresholdType: 'PERCENTAGE',
        subscriberSnsTopicArns: [topic.arn],
      })),
    },
    { dependsOn: [policy] },
  );
}

/** Returns a name that is unique in the account, where another Region may have the same stage. */
const inAccount = (stage: string, name: string) =>
  $interpolate`${functionName(stage, name)}-${aws.getRegionOutput().region}`;
