import type { Values } from './aws-answers.ts';
import { type RecordedResource, SECRET_TEXT } from './recorded.ts';

/** A policy statement, with lists where AWS also accepts single values. */
export type Statement = {
  allow: boolean;
  actions: string[];
  resources: string[];
  notActions: boolean;
  conditions: boolean;
};

export type LambdaFunction = {
  /** The name in `platforms/aws/infra/functions.ts`. */
  id: string;
  name: string;
  arn: string;
  timeoutSeconds: number;
  memoryMb: number;
  isTraced: boolean;
  /** Null: it is in no VPC. */
  vpc: { subnetIds: string[]; securityGroupIds: string[] } | null;
  /** Reserved concurrency; null without one. */
  reserved: number | null;
  published: boolean;
  /** Null for a function that is not durable. */
  executionTimeoutSeconds: number | null;
  deadLetters: string | null;
  /** Configuration of asynchronous calls; null without one. */
  asyncConfig: { qualifier: string | null; maximumAgeSeconds: number | null } | null;
  hasAlias: boolean;
  recursionAllowed: boolean;
  logRetentionDays: number | null;
  deleteTimeout: string | null;
  /** Principals that may assume its role, such as `Service: lambda.amazonaws.com`. */
  trustedPrincipals: string[];
  statements: Statement[];
  secretVariables: string[];
};

export type Queue = {
  id: string;
  name: string;
  arn: string;
  fifo: boolean;
  visibilitySeconds: number;
  retentionSeconds: number;
  /** ARN of its dead-letter queue. */
  deadLetters: string | null;
  /** Whether another resource uses it as its dead-letter queue. */
  isDeadLetterQueue: boolean;
};

export type EventSource = {
  id: string;
  queue: string;
  functionArn: string;
  qualifier: string | null;
  batchSize: number;
  hasWindow: boolean;
  partialBatches: boolean;
};

export type Table = {
  id: string;
  name: string;
  /** Names of its global secondary indexes. */
  indexes: string[];
  recovery: boolean;
  ttl: boolean;
  deletionProtection: boolean;
  retainOnDelete: boolean;
};

/** A metric of an alarm, such as `AWS/SQS ApproximateAgeOfOldestMessage`. */
export type Metric = { metric: string; dimensions: Record<string, string> };

/** `actions`: its own, and those of composite alarms that it is part of. A composite alarm has no metrics. */
export type Alarm = { id: string; metrics: Metric[]; actions: string[] };

export type Schedule = {
  id: string;
  retries: number;
  deadLetters: string | null;
  functionArn: string | null;
  /** Null for a rule of events. */
  everyMinutes: number | null;
  /** The event of each call, as JSON. */
  input: string | null;
};

export type Deployment = {
  resources: RecordedResource[];
  functions: LambdaFunction[];
  queues: Queue[];
  eventSources: EventSource[];
  /** Schedules, and targets of rules of EventBridge. */
  schedules: Schedule[];
  tables: Table[];
  roles: { id: string; trustedPrincipals: string[] }[];
  alarms: Alarm[];
  /** Number of dashboards. */
  dashboards: number;
};

/** Derives the deployment from the registered resources. */
export function deploymentOf(resources: RecordedResource[]): Deployment {
  const ofType = (type: string) => resources.filter((one) => one.type === `aws:${type}`);
  const deadLetterTargets = new Set(
    resources.flatMap(({ inputs }) => [
      redriveTarget(inputs),
      textAt(inputs, 'deadLetterConfig', 'targetArn'),
      textAt(inputs, 'deadLetterConfig', 'arn'),
      textAt(inputs, 'target', 'deadLetterConfig', 'arn'),
    ]),
  );
  return {
    resources,
    functions: ofType('lambda/function:Function').map((one) => functionOf(one, resources)),
    queues: ofType('sqs/queue:Queue').map((one) => queueOf(one, deadLetterTargets)),
    eventSources: ofType('lambda/eventSourceMapping:EventSourceMapping').map(eventSourceOf),
    schedules: [
      ...ofType('scheduler/schedule:Schedule').map(({ name, inputs }) => ({
        name,
        target: inputs['target'],
        everyMinutes: Number(/^rate\((\d+) minutes?\)$/.exec(text(inputs['scheduleExpression']) ?? '')?.[1]),
      })),
      ...ofType('cloudwatch/eventTarget:EventTarget').map(({ name, inputs }) => ({
        name,
        target: inputs,
        everyMinutes: null,
      })),
    ].map(({ name, target, everyMinutes }) => ({
      id: name,
      retries: numberAt(target, 'retryPolicy', 'maximumRetryAttempts') ?? 0,
      deadLetters: textAt(target, 'deadLetterConfig', 'arn'),
      functionArn: textAt(target, 'arn'),
      everyMinutes,
      input: textAt(target, 'input'),
    })),
    tables: ofType('dynamodb/table:Table').map(({ parent, name, inputs, outputs, retainOnDelete }) => ({
      id: nameOf(parent) ?? name,
      name: text(outputs['name']) ?? '',
      indexes: ((inputs['globalSecondaryIndexes'] ?? []) as { name: string }[]).map((index) => index.name),
      recovery: valueAt(inputs, 'pointInTimeRecovery', 'enabled') === true,
      ttl: valueAt(inputs, 'ttl', 'enabled') === true,
      deletionProtection: inputs['deletionProtectionEnabled'] === true,
      retainOnDelete: retainOnDelete,
    })),
    roles: ofType('iam/role:Role').map(({ name, inputs }) => ({
      id: name,
      trustedPrincipals: principalsOf(inputs['assumeRolePolicy']),
    })),
    dashboards: ofType('cloudwatch/dashboard:Dashboard').length,
    alarms: alarmsOf(ofType('cloudwatch/metricAlarm:MetricAlarm'), ofType('cloudwatch/compositeAlarm:CompositeAlarm')),
  };
}

function alarmsOf(metricAlarms: readonly RecordedResource[], composites: readonly RecordedResource[]): Alarm[] {
  const actionsOf = ({ inputs }: RecordedResource) => listOf(inputs['alarmActions']);
  const actionsOfParents = (name: string) =>
    composites.filter(({ inputs }) => text(inputs['alarmRule'])?.includes(`ALARM("${name}")`)).flatMap(actionsOf);
  return [
    ...metricAlarms.map((alarm) => ({
      id: alarm.name,
      metrics: metricsOf(alarm.inputs),
      actions: [...actionsOf(alarm), ...actionsOfParents(text(alarm.outputs['name']) ?? '')],
    })),
    ...composites.map((alarm) => ({ id: alarm.name, metrics: [], actions: actionsOf(alarm) })),
  ];
}

/** Returns the only metric of an alarm, or those of its expression. */
function metricsOf(alarm: Values): Metric[] {
  const queries = (alarm['metricQueries'] ?? [{ metric: alarm }]) as { metric?: Values }[];
  return queries.flatMap(({ metric }) =>
    metric === undefined
      ? []
      : [
          {
            metric: `${text(metric['namespace']) ?? ''} ${text(metric['metricName']) ?? ''}`,
            dimensions: (metric['dimensions'] ?? {}) as Record<string, string>,
          },
        ],
  );
}

function functionOf(
  { parent, name, inputs, outputs, secretInputs, deleteTimeout }: RecordedResource,
  all: RecordedResource[],
): LambdaFunction {
  const physical = text(outputs['name']) ?? '';
  const arn = text(outputs['arn']) ?? '';
  const settingsOf = (type: string) =>
    all.filter(
      (one) => one.type === `aws:lambda/${type}` && [physical, arn].includes(text(one.inputs['functionName']) ?? ''),
    );
  const role = all.find((one) => one.type === 'aws:iam/role:Role' && one.outputs['arn'] === inputs['role']);
  const logGroup = textAt(inputs, 'loggingConfig', 'logGroup');
  const log = all.find((one) => one.type === 'aws:cloudwatch/logGroup:LogGroup' && one.outputs['name'] === logGroup);
  const [asyncConfig] = settingsOf('functionEventInvokeConfig:FunctionEventInvokeConfig');
  return {
    id: nameOf(parent) ?? name,
    name: physical,
    arn,
    timeoutSeconds: numberAt(inputs, 'timeout') ?? 3,
    memoryMb: numberAt(inputs, 'memorySize') ?? 128,
    isTraced: textAt(inputs, 'tracingConfig', 'mode') === 'Active',
    vpc:
      inputs['vpcConfig'] === undefined
        ? null
        : {
            subnetIds: listOf(valueAt(inputs, 'vpcConfig', 'subnetIds')),
            securityGroupIds: listOf(valueAt(inputs, 'vpcConfig', 'securityGroupIds')),
          },
    reserved: numberAt(inputs, 'reservedConcurrentExecutions'),
    published: inputs['publish'] === true,
    executionTimeoutSeconds: numberAt(inputs, 'durableConfig', 'executionTimeout'),
    deadLetters: textAt(inputs, 'deadLetterConfig', 'targetArn'),
    asyncConfig: asyncConfig
      ? {
          qualifier: text(asyncConfig.inputs['qualifier']),
          maximumAgeSeconds: numberAt(asyncConfig.inputs, 'maximumEventAgeInSeconds'),
        }
      : null,
    hasAlias: settingsOf('alias:Alias').length > 0,
    recursionAllowed: settingsOf('functionRecursionConfig:FunctionRecursionConfig').some(
      (one) => one.inputs['recursiveLoop'] === 'Allow',
    ),
    logRetentionDays: log === undefined ? null : numberAt(log.inputs, 'retentionInDays'),
    deleteTimeout,
    trustedPrincipals: role === undefined ? [] : principalsOf(role.inputs['assumeRolePolicy']),
    statements: role === undefined ? [] : inlineStatements(role.inputs),
    secretVariables: secretVariables(inputs, secretInputs),
  };
}

/**
 * Returns variables with the text of a secret. A single value derived from a secret, such as a key, makes Pulumi mark the
 * whole environment as secret, so that mark alone does not count.
 */
function secretVariables(inputs: Values, secretInputs: readonly string[]): string[] {
  const variables = ((inputs['environment'] as Values | undefined)?.['variables'] ?? {}) as Values;
  const withText = Object.keys(variables).filter((name) => String(variables[name]).includes(SECRET_TEXT));
  return secretInputs
    .filter((path) => path.startsWith('environment'))
    .flatMap((path) => (path.split('.').length > 2 ? [path] : withText.map((name) => `environment.variables.${name}`)));
}

const queueOf = ({ parent, name, inputs, outputs }: RecordedResource, targets: ReadonlySet<string | null>): Queue => ({
  id: nameOf(parent) ?? name,
  name: text(outputs['name']) ?? '',
  arn: text(outputs['arn']) ?? '',
  fifo: inputs['fifoQueue'] === true,
  visibilitySeconds: numberAt(inputs, 'visibilityTimeoutSeconds') ?? 30,
  retentionSeconds: numberAt(inputs, 'messageRetentionSeconds') ?? 4 * 24 * 3600,
  deadLetters: redriveTarget(inputs),
  isDeadLetterQueue: targets.has(text(outputs['arn'])),
});

function eventSourceOf({ name, inputs }: RecordedResource): EventSource {
  const [, arn = '', qualifier] = /^(arn:(?:[^:]*:){5}[^:]*)(?::(.+))?$/.exec(text(inputs['functionName']) ?? '') ?? [];
  const types = (inputs['functionResponseTypes'] ?? []) as string[];
  return {
    id: name,
    queue: text(inputs['eventSourceArn']) ?? '',
    functionArn: arn,
    qualifier: qualifier ?? null,
    batchSize: numberAt(inputs, 'batchSize') ?? 10,
    hasWindow: (numberAt(inputs, 'maximumBatchingWindowInSeconds') ?? 0) > 0,
    partialBatches: types.includes('ReportBatchItemFailures'),
  };
}

const redriveTarget = (inputs: Values): string | null =>
  textAt({ redrivePolicy: parseIfText(inputs['redrivePolicy']) }, 'redrivePolicy', 'deadLetterTargetArn');

function inlineStatements(role: Values): Statement[] {
  const policies = (role['inlinePolicies'] ?? []) as { policy?: unknown }[];
  return policies
    .flatMap(({ policy }) => statementsOf(policy))
    .map((statement) => ({
      allow: statement['Effect'] === 'Allow',
      actions: listOf(statement['Action']),
      resources: listOf(statement['Resource']),
      notActions: 'NotAction' in statement,
      conditions: 'Condition' in statement,
    }));
}

const principalsOf = (policy: unknown): string[] =>
  statementsOf(policy).flatMap(({ Principal }) =>
    Object.entries((Principal ?? {}) as Values).flatMap(([kind, names]) =>
      listOf(names).map((one) => `${kind}: ${one}`),
    ),
  );

const statementsOf = (policy: unknown): Values[] => {
  const statements = valueAt(parseIfText(policy), 'Statement');
  return (Array.isArray(statements) ? statements : [statements]).filter((one): one is Values => one instanceof Object);
};

const parseIfText = (value: unknown): unknown => (typeof value === 'string' ? (JSON.parse(value) as unknown) : value);
const listOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string');
const nameOf = (urn: string | null): string | null => urn?.split('::').at(-1) ?? null;

function valueAt(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, key) => (inner instanceof Object ? (inner as Values)[key] : undefined), value);
}
const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const textAt = (value: unknown, ...path: string[]): string | null => text(valueAt(value, ...path));
const numberAt = (value: unknown, ...path: string[]): number | null => {
  const found = valueAt(value, ...path);
  return typeof found === 'number' ? found : null;
};
