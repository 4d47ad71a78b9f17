import { expect, test } from 'vitest';
import { deploymentOf, type Deployment, type LambdaFunction } from '../../scripts/platform/deployment.ts';
import { type RecordedResource, SECRET_TEXT } from '../../scripts/platform/recorded.ts';
import { RULES } from '../../scripts/platform/rules.ts';

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
    { timeout: 20, role: 'arn:role', loggingConfig: { logGroup: 'logs' } },
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
  alarm('AWS/Lambda Errors', { FunctionName: 'worker' }),
  alarm('AWS/Lambda Throttles', { FunctionName: 'worker' }),
  alarm('AWS/DynamoDB ReadThrottleEvents', { TableName: 'table' }),
  alarm('AWS/DynamoDB WriteThrottleEvents', { TableName: 'table' }),
];

/** Returns the names of rules with findings. */
const broken = (deployment: Deployment): string[] =>
  RULES.filter(({ find }) => find(deployment, { isRetained: true }).length > 0).map(
    ({ name }) => name.split(':')[0] ?? '',
  );

test('a correct deployment has no findings', () => {
  expect(broken(deploymentOf([...SOUND]))).toEqual([]);
});

const changed = (name: string, inputs: object): RecordedResource[] =>
  SOUND.map((one) => (one.name === name ? { ...one, inputs: { ...one.inputs, ...inputs } } : one));
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
  ['lambda-alarm', without('AWS/Lambda Errors')],
  ['table-alarm', without('AWS/DynamoDB WriteThrottleEvents')],
  ['table-alarm', changed('Table', { globalSecondaryIndexes: [{ name: 'list' }] })],
  ['account-trust', changed('WorkerRole', { assumeRolePolicy: JSON.stringify(WHOLE_ACCOUNT) })],
  ['alarm-action', changed('AWS/Lambda Errors', { alarmActions: [] })],
  ['alarm-target', changed('AWS/Lambda Throttles', { dimensions: { FunctionName: 'wroker' } })],
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
