import { expect, test } from 'vitest';
import { deploymentOf, type Deployment, type LambdaFunction } from '../../scripts/platform/deployment.ts';
import { type RecordedResource, SECRET_TEXT } from '../../scripts/platform/recorded.ts';
import type { Size } from '../../platforms/aws/infra/stage.ts';
import { idleMonth, totalOf } from '../../scripts/platform/idle-cost.ts';
import { SMALL_MAX_USD } from '../../scripts/platform/prices.ts';
import { RULES, type RuleOptions } from '../../scripts/platform/rules.ts';

const ARN = 'arn:aws:lambda:eu-central-1:123456789012:function:worker';
const QUEUE = 'arn:aws:sqs:eu-central-1:123456789012:jobs';
const DEAD = 'arn:aws:sqs:eu-central-1:123456789012:dead';

function resource(type: string, name: string, inputs: object, outputs: object = {}): RecordedResource {
  const urn = `urn:pulumi:test::app::${type}::${name}`;
  return {
    urn,
    type,
    name,
    parent: `urn:pulumi:test::app::sst:aws:Any::${name}`,
    secretInputs: [],
    retainOnDelete: true,
    deleteTimeout: '60m',
    inputs: { ...inputs },
    outputs: { ...outputs },
  };
}

const alarm = (metric: string, dimensions: Record<string, string>): RecordedResource => {
  const [namespace, metricName] = metric.split(' ');
  const inputs = { namespace, metricName, dimensions, alarmActions: ['arn:topic'] };
  return resource('aws:cloudwatch/metricAlarm:MetricAlarm', metric, inputs);
};

const TRUST = { Statement: [{ Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }] };
const WHOLE_ACCOUNT = { Statement: [{ Principal: { AWS: 'arn:aws:iam::123456789012:root' } }] };
const POLICY = { Statement: [{ Effect: 'Allow', Action: 'sqs:ReceiveMessage', Resource: QUEUE }] };

/** A queue that calls a function, with all related resources. */
const SOUND: readonly RecordedResource[] = [
  resource(
    'aws:lambda/function:Function',
    'Worker',
    { timeout: 20, reservedConcurrentExecutions: 10, role: 'arn:role', loggingConfig: { logGroup: 'logs' } },
    { name: 'worker', arn: ARN },
  ),
  resource(
    'aws:iam/role:Role',
    'WorkerRole',
    { assumeRolePolicy: JSON.stringify(TRUST), inlinePolicies: [{ policy: JSON.stringify(POLICY) }] },
    { arn: 'arn:role' },
  ),
  resource('aws:cloudwatch/logGroup:LogGroup', 'Logs', { retentionInDays: 30 }, { name: 'logs' }),
  resource(
    'aws:sqs/queue:Queue',
    'Jobs',
    { visibilityTimeoutSeconds: 120, redrivePolicy: JSON.stringify({ deadLetterTargetArn: DEAD, maxReceiveCount: 5 }) },
    { name: 'jobs', arn: QUEUE },
  ),
  resource('aws:sqs/queue:Queue', 'Dead', { messageRetentionSeconds: 14 * 24 * 3600 }, { name: 'dead', arn: DEAD }),
  resource('aws:lambda/eventSourceMapping:EventSourceMapping', 'JobsToWorker', {
    eventSourceArn: QUEUE,
    functionName: ARN,
    functionResponseTypes: ['ReportBatchItemFailures'],
  }),
  resource(
    'aws:dynamodb/table:Table',
    'Table',
    { pointInTimeRecovery: { enabled: true }, ttl: { enabled: true }, deletionProtectionEnabled: true },
    { name: 'table' },
  ),
  alarm('AWS/SQS ApproximateNumberOfMessagesVisible', { QueueName: 'dead' }),
  alarm('AWS/SQS ApproximateAgeOfOldestMessage', { QueueName: 'jobs' }),
  alarm('AWS/DynamoDB ReadThrottleEvents', { TableName: 'table' }),
  alarm('AWS/DynamoDB WriteThrottleEvents', { TableName: 'table' }),
];

/** Returns the names of rules with findings. */
const broken = (deployment: Deployment, size: Size = 'standard', more: Partial<RuleOptions> = {}): string[] =>
  RULES.filter(({ find }) => find(deployment, { stage: 'test', isRetained: true, size, ...more }).length > 0).map(
    ({ name }) => name.split(':')[0] ?? '',
  );

test('a correct deployment has no findings', () => {
  expect(broken(deploymentOf([...SOUND]))).toEqual([]);
});

const changed = (name: string, inputs: object): RecordedResource[] =>
  SOUND.map((one) => (one.name === name ? { ...one, inputs: { ...one.inputs, ...inputs } } : one));
const queries = (length: number) =>
  Array.from({ length }, () => ({ metric: { namespace: 'AWS/SQS', metricName: 'Any', dimensions: {} } }));
const without = (name: string): RecordedResource[] => SOUND.filter((one) => one.name !== name);

test.each<[rule: string, resources: RecordedResource[]]>([
  ['queue-dlq', changed('Jobs', { redrivePolicy: undefined })],
  ['queue-dlq', changed('Jobs', { fifoQueue: true })],
  ['dlq-retention', changed('Dead', { messageRetentionSeconds: 3600 })],
  ['visibility>=timeout', changed('Jobs', { visibilityTimeoutSeconds: 19 })],
  ['visibility>=6x', changed('Jobs', { visibilityTimeoutSeconds: 119 })],
  ['partial-batch', changed('JobsToWorker', { functionResponseTypes: [] })],
  ['durable-qualified', changed('Worker', { durableConfig: { executionTimeout: 3600 } })],
  ['lambda-dlq', changed('Worker', { durableConfig: { executionTimeout: 3600 } })],
  ['schedule', [...SOUND, resource('aws:cloudwatch/eventTarget:EventTarget', 'Rule', { arn: 'arn:destination' })]],
  ['log-retention', changed('Logs', { retentionInDays: undefined })],
  ['table', changed('Table', { deletionProtectionEnabled: false })],
  ['table', changed('Table', { pointInTimeRecovery: { enabled: false } })],
  ['dlq-alarm', without('AWS/SQS ApproximateNumberOfMessagesVisible')],
  ['dlq-alarm', changed('AWS/SQS ApproximateNumberOfMessagesVisible', { metricName: 'NumberOfMessagesSent' })],
  ['function-alarm', without('AWS/SQS ApproximateAgeOfOldestMessage')],
  ['function-alarm', [...without('JobsToWorker'), resource('aws:apigatewayv2/api:Api', 'Api', {}, { id: 'api' })]],
  ['function-alarm', changed('Worker', { durableConfig: { executionTimeout: 3600 } })],
  ['alarm-count', [...SOUND, ...Array.from({ length: 17 }, () => alarm('AWS/SQS Any', {}))]],
  ['alarm-metrics', changed('AWS/SQS ApproximateAgeOfOldestMessage', { metricQueries: queries(11) })],
  ['concurrency', changed('Worker', { reservedConcurrentExecutions: 226 })],
  ['concurrency', changed('Worker', { reservedConcurrentExecutions: undefined })],
  ['table-alarm', without('AWS/DynamoDB WriteThrottleEvents')],
  ['table-alarm', changed('Table', { globalSecondaryIndexes: [{ name: 'list' }] })],
  ['account-trust', changed('WorkerRole', { assumeRolePolicy: JSON.stringify(WHOLE_ACCOUNT) })],
  ['alarm-action', changed('AWS/SQS ApproximateAgeOfOldestMessage', { alarmActions: [] })],
  ['alarm-target', changed('AWS/SQS ApproximateAgeOfOldestMessage', { dimensions: { QueueName: 'jbos' } })],
])('%s finds what is wrong', (rule, resources) => {
  expect(broken(deploymentOf(resources))).toContain(rule);
});

const worker = (more: Partial<LambdaFunction>): Deployment => {
  const deployment = deploymentOf([...SOUND]);
  return { ...deployment, functions: deployment.functions.map((one) => ({ ...one, ...more })) };
};
const may = (action: string, arn: string): Partial<LambdaFunction> => ({
  statements: [{ allow: true, actions: [action], resources: [arn], notActions: false, conditions: false }],
});

test.each<[rule: string, deployment: Deployment]>([
  ['recursion', worker(may('sqs:SendMessage', QUEUE))],
  ['recursion', worker(may('lambda:InvokeFunction', `${ARN}:live`))],
  ['recursion-needed', worker({ recursionAllowed: true })],
  [
    'role-trust',
    worker({ trustedPrincipals: ['Service: lambda.amazonaws.com', 'AWS: arn:aws:iam::123456789012:root'] }),
  ],
  ['role-trust', worker({ trustedPrincipals: [] })],
  ['iam-wildcard', worker(may('sqs:*', QUEUE))],
  ['iam-wildcard', worker(may('sqs:SendMessage', '*'))],
  ['no-secret-variable', worker({ secretVariables: ['environment.variables.TOKEN'] })],
  ['durable-delete', worker({ executionTimeoutSeconds: 3600, deleteTimeout: null })],
  ['async-qualified', worker({ published: true, asyncConfig: { qualifier: null, maximumAgeSeconds: 60 } })],
  ['physical-name', worker({ name: 'w'.repeat(65) })],
])('%s finds what may not be', (rule, deployment) => {
  expect(broken(deployment)).toContain(rule);
});

test('a function environment can contain values derived from a secret, but not the secret itself', () => {
  const [first, ...others] = SOUND;
  if (first === undefined) throw new Error('there is no function');
  const secretVariables = (variables: Record<string, string>): string[] => {
    const inputs = { ...first.inputs, environment: { variables } };
    return deploymentOf([{ ...first, inputs, secretInputs: ['environment'] }, ...others]).functions.flatMap(
      (one) => one.secretVariables,
    );
  };
  expect(secretVariables({ KEY: 'c2NyeXB0', TABLE: 'firebreak' })).toEqual([]);
  expect(secretVariables({ KEY: 'c2NyeXB0', TOKEN: `${SECRET_TEXT} SLACK_BOT_TOKEN` })).toEqual([
    'environment.variables.TOKEN',
  ]);
});

test('an alarm that is part of a composite one notifies through it', () => {
  const name = 'AWS/SQS ApproximateAgeOfOldestMessage';
  const silent = changed(name, { alarmActions: [] }).map((one) =>
    one.name === name ? { ...one, outputs: { name: 'age' } } : one,
  );
  const composite = (alarmRule: string) =>
    resource('aws:cloudwatch/compositeAlarm:CompositeAlarm', 'Any', { alarmRule, alarmActions: ['arn:topic'] });
  expect(broken(deploymentOf([...silent, composite('ALARM("age")')]))).toEqual([]);
  expect(broken(deploymentOf([...silent, composite('ALARM("other")')]))).toEqual(['alarm-action']);
});

test('a small stage may reserve nothing', () => {
  expect(broken(deploymentOf([...SOUND]), 'small')).toEqual(['concurrency']);
  const unreserved = changed('Worker', { reservedConcurrentExecutions: undefined });
  expect(broken(deploymentOf(unreserved), 'small')).toEqual([]);
});

test('the idle month has the price of each alarm, queue, and schedule, and a limit in a small stage', () => {
  const schedule = resource('aws:scheduler/schedule:Schedule', 'Any', {
    scheduleExpression: 'rate(1 minute)',
    target: { arn: `${ARN}-sweep`, deadLetterConfig: { arn: DEAD }, retryPolicy: { maximumRetryAttempts: 2 } },
  });
  const job = resource(
    'aws:lambda/function:Function',
    'Sweep',
    { memorySize: 1024, tracingConfig: { mode: 'Active' } },
    { name: 'sweep', arn: `${ARN}-sweep` },
  );
  const costs = idleMonth(deploymentOf([...SOUND, schedule, job]));
  expect(Object.fromEntries(costs.map(({ part, usd }) => [part, Number(usd.toFixed(3))]))).toEqual({
    '4 metrics of alarms': 0.4,
    '0 composite alarm': 0,
    dashboard: 0,
    'polling 1 queues': 0.263, // 15 calls a minute, $0.40 a million
    '1 schedules': 0.044,
    'calls of their functions': 0.242, // 0.4 s with 1 GB, and the calls
    traces: 0.219,
    logs: 0.022,
    'reads and writes of S3': 0.07,
    'reads of the table': 0.192,
  });
  expect(totalOf(costs)).toBeLessThan(SMALL_MAX_USD);
  const many = Array.from({ length: 45 }, (_, n) => alarm('AWS/SQS Any', { QueueName: 'jobs', n: String(n) }));
  expect(broken(deploymentOf([...SOUND, ...many]), 'small')).toContain('idle-month');
  expect(broken(deploymentOf([...SOUND, ...many]))).not.toContain('idle-month');
});

test('exactly the functions that query metrics or roll back are in the VPC of a stage', () => {
  const vpc = { subnetIds: ['subnet-1', 'subnet-2'], securityGroupIds: ['sg-1'] };
  const evaluate = { name: 'firebreak-test-evaluate' };
  expect(broken(worker({ ...evaluate, vpc }), 'standard', { vpc })).not.toContain('vpc');
  expect(broken(worker({ ...evaluate, vpc: null }), 'standard', { vpc })).toContain('vpc');
  expect(broken(worker({ ...evaluate, vpc: { ...vpc, subnetIds: ['subnet-1'] } }), 'standard', { vpc })).toContain(
    'vpc',
  );
  expect(broken(worker({ ...evaluate, vpc }), 'standard')).toContain('vpc');
  expect(broken(worker({ name: 'firebreak-test-route', vpc }), 'standard', { vpc })).toContain('vpc');
  expect(broken(worker({ name: 'firebreak-test-route', vpc: null }), 'standard', { vpc })).not.toContain('vpc');
});
