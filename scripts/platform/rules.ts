import { REACHING } from '../../functions/assembly/functions.ts';
import { functionName } from '../../platforms/aws/infra/names.ts';
import type { Size, Stage } from '../../platforms/aws/infra/stage.ts';
import { idleMonth, totalOf } from './idle-cost.ts';
import { SMALL_MAX_USD } from './prices.ts';
import type { Alarm, Deployment, LambdaFunction, Metric, Queue } from './deployment.ts';

export type Finding = { id: string; problem: string };

/** The stage of a deployment. `isRetained`: it keeps its data when it is removed, as `production` does. */
export type RuleOptions = { stage: string; isRetained: boolean } & Pick<Stage, 'size' | 'vpc'>;

/** A rule for deployments. */
export type Rule = {
  name: string;
  find(deployment: Deployment, options: RuleOptions): Finding[];
};

const DEAD_LETTER_DAYS = 14;
const DURABLE_DELETE_MIN_MINUTES = 30;
/** Of the quota of an account, without those that AWS keeps unreserved. Four stages share it. */
const RESERVABLE = 1000 - 100;
const STAGES_PER_ACCOUNT = 4;
const ALARMS_MAX = 20;
const METRICS_MAX = 10;

/** Rules of AWS, whose violation fails a deployment or breaks it later, and rules of this project. */
export const RULES: readonly Rule[] = [
  {
    name: 'queue-dlq: every queue has a dead-letter queue of its own kind',
    find: ({ queues }) =>
      queues.flatMap(({ id, fifo, deadLetters, isDeadLetterQueue }) => {
        if (isDeadLetterQueue) return [];
        const target = queues.find(({ arn }) => arn === deadLetters);
        if (target === undefined) return [{ id, problem: 'has no dead-letter queue in this deployment' }];
        return fifo === target.fifo
          ? []
          : [{ id, problem: `a FIFO queue and a standard queue are mixed: ${target.id}` }];
      }),
  },
  {
    name: 'dlq-retention: dead letters are kept for two weeks',
    find: ({ queues }) =>
      queues
        .filter((queue) => queue.isDeadLetterQueue && queue.retentionSeconds < DEAD_LETTER_DAYS * 24 * 3600)
        .map(({ id, retentionSeconds }) => ({ id, problem: `keeps messages for only ${retentionSeconds} s` })),
  },
  {
    name: 'visibility>=timeout: a message stays hidden while its function can still process it',
    find: (deployment) =>
      consumers(deployment)
        .filter(({ queue, consumer }) => queue.visibilitySeconds < consumer.timeoutSeconds)
        .map(({ queue, consumer }) => ({ id: queue.id, problem: tooVisible(queue, consumer) })),
  },
  {
    name: 'visibility>=6x: a message stays hidden for six time-outs of its function, as AWS recommends',
    find: (deployment) =>
      consumers(deployment)
        .filter(({ queue, consumer }) => queue.visibilitySeconds < 6 * consumer.timeoutSeconds)
        .map(({ queue, consumer }) => ({ id: queue.id, problem: tooVisible(queue, consumer) })),
  },
  {
    name: 'partial-batch: a failed message does not fail its batch',
    find: ({ eventSources }) =>
      eventSources
        .filter(({ partialBatches }) => !partialBatches)
        .map(({ id }) => ({ id, problem: 'does not report batch item failures' })),
  },
  {
    name: 'fifo-batch: FIFO event sources have no batch window and at most 10 messages',
    find: ({ eventSources, queues }) =>
      eventSources
        .filter(({ queue }) => queues.some(({ arn, fifo }) => arn === queue && fifo))
        .filter(({ batchSize, hasWindow }) => batchSize > 10 || hasWindow)
        .map(({ id }) => ({ id, problem: 'AWS rejects this batch on a FIFO queue' })),
  },
  {
    name: 'durable-qualified: durable functions are called by version or alias, and not by a queue',
    find: ({ functions, eventSources }) =>
      functions.filter(isDurable).flatMap(({ id, arn, published, hasAlias }) => [
        ...(published ? [] : [{ id, problem: 'does not publish versions' }]),
        ...(hasAlias ? [] : [{ id, problem: 'has no alias' }]),
        ...eventSources
          .filter(({ functionArn }) => functionArn === arn)
          .map((source) => ({
            id,
            problem: `is called by the queue of ${source.id}: an execution ends after 15 minutes`,
          })),
      ]),
  },
  {
    name: 'durable-delete: the delete time-out of a durable function covers its executions',
    find: ({ functions }) =>
      functions
        .filter(isDurable)
        .filter(({ deleteTimeout }) => minutesOf(deleteTimeout) < DURABLE_DELETE_MIN_MINUTES)
        .map(({ id, deleteTimeout }) => ({
          id,
          problem: `its delete time-out is ${deleteTimeout ?? "the provider's"}`,
        })),
  },
  {
    name: 'lambda-dlq: functions that are called asynchronously have a standard dead-letter queue',
    find: ({ functions, queues }) =>
      functions.filter(isAsynchronous).flatMap(({ id, deadLetters }) => {
        const target = queues.find(({ arn }) => arn === deadLetters);
        if (target === undefined) return [{ id, problem: 'has no dead-letter queue' }];
        return target.fifo ? [{ id, problem: 'Lambda sends to standard queues only' }] : [];
      }),
  },
  {
    name: 'async-qualified: settings of asynchronous calls apply to the called version',
    find: ({ functions }) =>
      functions
        .filter(({ published, asyncConfig }) => published && asyncConfig !== null && asyncConfig.qualifier === null)
        .map(({ id }) => ({ id, problem: 'are set on $LATEST, but versions are called' })),
  },
  {
    name: 'recursion: functions that can call themselves permit recursion, or Lambda drops the 17th call',
    find: (deployment) =>
      deployment.functions
        .filter((fn) => !fn.recursionAllowed && canCall(deployment, fn, fn))
        .map(({ id }) => ({ id, problem: 'can call itself, directly or through a queue' })),
  },
  {
    name: 'recursion-needed: no other function permits recursion',
    find: (deployment) =>
      deployment.functions
        .filter((fn) => fn.recursionAllowed && !canCall(deployment, fn, fn))
        .map(({ id }) => ({ id, problem: 'permits recursion without need' })),
  },
  {
    name: 'role-trust: only Lambda can assume the roles of functions',
    find: ({ functions }) =>
      functions.flatMap(({ id, trustedPrincipals: principals }) =>
        principals.length === 1 && principals[0] === 'Service: lambda.amazonaws.com'
          ? []
          : [{ id, problem: `can be assumed by ${principals.join(', ') || 'an unknown principal'}` }],
      ),
  },
  {
    name: 'account-trust: no role can be assumed by a whole account',
    find: ({ roles }) =>
      roles
        .filter(
          ({ trustedPrincipals: principals }) =>
            principals.length === 0 || principals.some((principal) => !principal.startsWith('Service: ')),
        )
        .map(({ id, trustedPrincipals: principals }) => ({
          id,
          problem: `can be assumed by ${principals.join(', ') || 'an unknown principal'}`,
        })),
  },
  {
    name: 'iam-wildcard: permissions name their actions and resources',
    find: ({ functions }) =>
      functions.flatMap(({ id, statements }) =>
        statements
          .filter(({ allow, actions, resources, notActions }) => {
            const anyAction = notActions || actions.some((action) => action.includes('*'));
            return allow && (anyAction || resources.includes('*'));
          })
          .map(({ actions, resources }) => ({ id, problem: `${actions.join(', ')} on ${resources.join(', ')}` })),
      ),
  },
  {
    name: 'no-secret-variable: no secret is in the environment of a function',
    find: ({ functions }) =>
      functions.flatMap(({ id, secretVariables }) =>
        // SST's own key for linked resources; this project links none.
        secretVariables
          .filter((path) => path !== 'environment.variables.SST_KEY')
          .map((path) => ({ id, problem: path })),
      ),
  },
  {
    name: 'log-retention: logs expire',
    find: ({ functions }) =>
      functions
        .filter(({ logRetentionDays }) => logRetentionDays === null)
        .map(({ id }) => ({ id, problem: 'logs never expire' })),
  },
  {
    name: 'table: the table can be restored, expires items and, in production, cannot be deleted',
    find: ({ tables }, { isRetained }) =>
      tables.flatMap((table) => [
        ...(table.recovery ? [] : [{ id: table.id, problem: 'has no point-in-time recovery' }]),
        ...(table.ttl ? [] : [{ id: table.id, problem: 'has no TTL' }]),
        ...(table.deletionProtection === isRetained && table.retainOnDelete === isRetained
          ? []
          : [{ id: table.id, problem: isRetained ? 'can be deleted' : 'outlives its stage' }]),
      ]),
  },
  {
    name: 'schedule: schedules and rules of EventBridge retry, and have a standard dead-letter queue',
    find: ({ schedules, queues }) =>
      schedules.flatMap(({ id, retries, deadLetters }) => {
        const target = queues.find(({ arn }) => arn === deadLetters);
        return [
          ...(retries > 0 ? [] : [{ id, problem: 'never retries' }]),
          ...(target !== undefined && !target.fifo ? [] : [{ id, problem: 'has no standard dead-letter queue' }]),
        ];
      }),
  },
  {
    name: 'dlq-alarm: every dead-letter queue has an alarm on new messages',
    find: (deployment) =>
      deployment.queues
        .filter(({ isDeadLetterQueue }) => isDeadLetterQueue)
        .filter(
          ({ name }) =>
            // SQS does not count a message as sent that a redrive policy moves.
            !hasAlarm(deployment, 'AWS/SQS ApproximateNumberOfMessagesVisible', 'QueueName', name) &&
            !(isSentTo(deployment, name) && hasAlarm(deployment, 'AWS/SQS NumberOfMessagesSent', 'QueueName', name)),
        )
        .map(({ id }) => ({ id, problem: 'has no alarm' })),
  },
  {
    name: 'function-alarm: every function has an alarm that its failures set off',
    find: (deployment, { size }) =>
      deployment.functions.flatMap((fn) =>
        missingAlarms(deployment, fn, size).map((metric) => ({ id: fn.id, problem: `no alarm on ${metric}` })),
      ),
  },
  {
    name: 'alarm-count: at most 20 alarms',
    find: ({ alarms }) => (alarms.length > ALARMS_MAX ? [{ id: 'alarms', problem: `there are ${alarms.length}` }] : []),
  },
  {
    name: 'alarm-metrics: an alarm has at most 10 metrics, the limit of CloudWatch',
    find: ({ alarms }) =>
      alarms
        .filter(({ metrics }) => metrics.length > METRICS_MAX)
        .map(({ id, metrics }) => ({ id, problem: `has ${metrics.length}` })),
  },
  {
    name: 'table-alarm: in size standard, throttled reads and writes of the table and its indexes have an alarm',
    find: ({ alarms, tables }, { size }) =>
      (size === 'small' ? [] : tables).flatMap(({ id, name, indexes }) =>
        [undefined, ...indexes].flatMap((index) =>
          ['ReadThrottleEvents', 'WriteThrottleEvents']
            .filter(
              (metric) =>
                !metricsOf(alarms).some(
                  (one) =>
                    one.metric === `AWS/DynamoDB ${metric}` &&
                    one.dimensions['TableName'] === name &&
                    one.dimensions['GlobalSecondaryIndexName'] === index,
                ),
            )
            .map((metric) => ({ id, problem: `no alarm on ${metric} of ${index ?? 'the table'}` })),
        ),
      ),
  },
  {
    name: 'alarm-action: every alarm has a notification target',
    find: ({ alarms }) =>
      alarms.filter(({ actions }) => actions.length === 0).map(({ id }) => ({ id, problem: 'has no action' })),
  },
  {
    name: 'alarm-target: every alarm watches a resource of this deployment',
    find: ({ alarms, functions, queues, tables, resources }) => {
      const apis = resources.filter(({ type }) => type === 'aws:apigatewayv2/api:Api');
      const existing = new Set([
        ...[...functions, ...queues, ...tables].map(({ name }) => name),
        ...apis.map(({ outputs }) => outputs['id'] ?? ''),
      ]);
      return alarms.flatMap(({ id, metrics }) =>
        metrics
          .flatMap(({ dimensions }) => Object.entries(dimensions))
          .filter(([kind, value]) => kind !== 'GlobalSecondaryIndexName' && !existing.has(value))
          .map(([kind, value]) => ({ id, problem: `${kind} ${value} does not exist` })),
      );
    },
  },
  {
    name: 'vpc: exactly the functions that query metrics or roll back are in the VPC of the stage',
    find: ({ functions }, { stage, vpc }) => {
      const inside = new Set(REACHING.map((name) => functionName(stage, name)));
      return functions.flatMap((fn) => {
        const wanted = vpc !== undefined && inside.has(fn.name) ? vpc : null;
        if (JSON.stringify(fn.vpc) === JSON.stringify(wanted)) return [];
        return [{ id: fn.id, problem: `is in ${JSON.stringify(fn.vpc)} instead of ${JSON.stringify(wanted)}` }];
      });
    },
  },
  {
    name: 'concurrency: a small stage reserves nothing, and four standard ones fit into an account',
    find: ({ functions }, { size }) => {
      const reserved = functions.reduce((sum, fn) => sum + (fn.reserved ?? 0), 0);
      const max = size === 'small' ? 0 : RESERVABLE / STAGES_PER_ACCOUNT;
      const plain = functions.filter((fn) => !isDurable(fn) && size === 'standard' && fn.reserved === null);
      return [
        ...(reserved > max ? [{ id: 'functions', problem: `reserve ${reserved}, at most ${max} are possible` }] : []),
        ...plain.map(({ id }) => ({ id, problem: 'reserves nothing' })),
      ];
    },
  },
  {
    name: `idle-month: an idle month of a small stage costs at most $${SMALL_MAX_USD}`,
    find: (deployment, { size }) => {
      const usd = totalOf(idleMonth(deployment));
      return size === 'small' && usd > SMALL_MAX_USD ? [{ id: 'stage', problem: `costs $${usd.toFixed(2)}` }] : [];
    },
  },
  {
    name: 'physical-name: names are unique and no longer than AWS allows',
    find: ({ functions, queues }) => [...nameFindings(functions, 64), ...nameFindings(queues, 80)],
  },
];

const isDurable = ({ executionTimeoutSeconds }: LambdaFunction): boolean => executionTimeoutSeconds !== null;

/** Returns whether a function is called asynchronously: by a schedule or, for durable functions, by `Event`. */
const isAsynchronous = (fn: LambdaFunction): boolean => isDurable(fn) || fn.asyncConfig !== null;

/**
 * Returns the metrics that need an alarm for failures of a function to be seen. What it fails to do is seen where it was
 * asked: messages wait, Lambda sends a dead letter, or the API answers with 5xx.
 */
function missingAlarms(deployment: Deployment, fn: LambdaFunction, size: Size): string[] {
  const { queues, resources } = deployment;
  const read = consumers(deployment).filter(({ consumer }) => consumer === fn);
  const apis = resources.filter(({ type }) => type === 'aws:apigatewayv2/api:Api');
  const ofFunction = (metric: string) => ['FunctionName', fn.name, `AWS/Lambda ${metric}`] as const;
  const sentTo = queues.filter(({ arn }) => arn === fn.deadLetters);
  const needed = isAsynchronous(fn)
    ? [
        // A schedule whose calls do not arrive has no dead letters. The snapshot tells its readers that it is old.
        ...(isDurable(fn)
          ? ['Throttles', 'DeadLetterErrors']
          : size === 'standard'
            ? ['Invocations', 'DeadLetterErrors']
            : fn.id === 'Snapshot'
              ? []
              : ['Invocations']
        ).map(ofFunction),
        ...sentTo.map(({ name }) => ['QueueName', name, 'AWS/SQS NumberOfMessagesSent'] as const),
      ]
    : read.length > 0
      ? read.map(({ queue }) => ['QueueName', queue.name, 'AWS/SQS ApproximateAgeOfOldestMessage'] as const)
      : apis.map(({ outputs }) => ['ApiId', String(outputs['id']), 'AWS/ApiGateway 5xx'] as const);
  return needed
    .filter(([dimension, name, metric]) => !hasAlarm(deployment, metric, dimension, name))
    .map(([, name, metric]) => `${metric} of ${name}`);
}

/** Returns whether Lambda, the scheduler, or EventBridge send messages to a queue, instead of a redrive policy. */
const isSentTo = ({ queues }: Deployment, name: string): boolean => {
  const moved = new Set(queues.map(({ deadLetters }) => deadLetters));
  return queues.some((queue) => queue.name === name && !moved.has(queue.arn));
};

function consumers({ eventSources, queues, functions }: Deployment): { queue: Queue; consumer: LambdaFunction }[] {
  return eventSources.flatMap(({ queue: queueArn, functionArn }) => {
    const queue = queues.find(({ arn }) => arn === queueArn);
    const consumer = functions.find(({ arn }) => arn === functionArn);
    return queue && consumer ? [{ queue, consumer }] : [];
  });
}

const tooVisible = (queue: Queue, consumer: LambdaFunction): string =>
  `visibility ${queue.visibilitySeconds} s, time-out of ${consumer.id} ${consumer.timeoutSeconds} s`;

const hasAlarm = ({ alarms }: Deployment, metric: string, dimension: string, name: string): boolean =>
  metricsOf(alarms).some((one) => one.metric === metric && one.dimensions[dimension] === name);

const metricsOf = (alarms: readonly Alarm[]): Metric[] => alarms.flatMap(({ metrics }) => metrics);

/** Returns functions that `one` can call, directly or through a queue. */
function callees(deployment: Deployment, fn: LambdaFunction): LambdaFunction[] {
  const allowed = (action: string, arn: string): boolean =>
    fn.statements.some(
      ({ allow, actions, resources }) =>
        allow && actions.includes(action) && resources.some((name) => isArnOf(name, arn)),
    );
  const byQueue = consumers(deployment)
    .filter(({ queue }) => allowed('sqs:SendMessage', queue.arn))
    .map(({ consumer }) => consumer);
  return [...byQueue, ...deployment.functions.filter(({ arn }) => allowed('lambda:InvokeFunction', arn))];
}

/** Returns whether a name is the ARN or one of its versions and aliases. */
const isArnOf = (name: string, arn: string): boolean => name === arn || name.startsWith(`${arn}:`);

function canCall(deployment: Deployment, from: LambdaFunction, to: LambdaFunction): boolean {
  const seen = new Set<LambdaFunction>();
  const pending = callees(deployment, from);
  for (let fn = pending.pop(); fn !== undefined; fn = pending.pop()) {
    if (fn === to) return true;
    if (!seen.has(fn)) pending.push(...callees(deployment, fn));
    seen.add(fn);
  }
  return false;
}

const minutesOf = (duration: string | null): number => Number(/^(\d+)m$/.exec(duration ?? '')?.[1] ?? 0);

function nameFindings(all: readonly { id: string; name: string }[], max: number): Finding[] {
  return all.flatMap(({ id, name }) => [
    ...(name.length > max
      ? [{ id, problem: `${name} has ${name.length} characters, at most ${max} are allowed` }]
      : []),
    ...(all.filter((other) => other.name === name).length > 1 ? [{ id, problem: `${name} is used twice` }] : []),
  ]);
}
