import type { Deployment, LambdaFunction, Queue } from './deployment.ts';

export type Finding = { id: string; problem: string };

/** A rule for deployments. */
export type Rule = {
  name: string;
  /** @param options.isRetained whether the stage keeps its data when it is removed, as `production` does */
  find(deployment: Deployment, options: { isRetained: boolean }): Finding[];
};

const DEAD_LETTER_DAYS = 14;
const DURABLE_DELETE_MIN_MINUTES = 30;

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
    name: 'dlq-alarm: every dead-letter queue has an alarm',
    find: (deployment) =>
      deployment.queues
        .filter(({ isDeadLetterQueue }) => isDeadLetterQueue)
        .filter(({ name }) => !hasAlarm(deployment, 'AWS/SQS ApproximateNumberOfMessagesVisible', 'QueueName', name))
        .map(({ id }) => ({ id, problem: 'has no alarm' })),
  },
  {
    name: 'lambda-alarm: every function has the alarms of its kind',
    find: (deployment) =>
      deployment.functions.flatMap((fn) =>
        metricsOf(deployment, fn)
          .filter((metric) => !hasAlarm(deployment, `AWS/Lambda ${metric}`, 'FunctionName', fn.name))
          .map((metric) => ({ id: fn.id, problem: `no alarm on ${metric}` })),
      ),
  },
  {
    name: 'table-alarm: throttled reads and writes of the table and its indexes have an alarm',
    find: ({ alarms, tables }) =>
      tables.flatMap(({ id, name, indexes }) =>
        [undefined, ...indexes].flatMap((index) =>
          ['ReadThrottleEvents', 'WriteThrottleEvents']
            .filter(
              (metric) =>
                !alarms.some(
                  (alarm) =>
                    alarm.metric === `AWS/DynamoDB ${metric}` &&
                    alarm.dimensions['TableName'] === name &&
                    alarm.dimensions['GlobalSecondaryIndexName'] === index,
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
      return alarms.flatMap(({ id, dimensions }) =>
        Object.entries(dimensions)
          .filter(([kind, value]) => kind !== 'GlobalSecondaryIndexName' && !existing.has(value))
          .map(([kind, value]) => ({ id, problem: `${kind} ${value} does not exist` })),
      );
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

function metricsOf(deployment: Deployment, fn: LambdaFunction): string[] {
  return [
    ...(isDurable(fn) ? ['DurableExecutionFailed', 'DurableExecutionTimedOut'] : ['Errors']),
    'Throttles',
    ...(isAsynchronous(fn) ? ['AsyncEventsDropped', 'DeadLetterErrors'] : []),
    ...(calledByFunctions(deployment, fn) ? ['RecursiveInvocationsDropped'] : []),
  ];
}

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
  alarms.some((alarm) => alarm.metric === metric && alarm.dimensions[dimension] === name);

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

const calledByFunctions = (deployment: Deployment, fn: LambdaFunction): boolean =>
  deployment.functions.some((caller) => callees(deployment, caller).includes(fn));

const minutesOf = (duration: string | null): number => Number(/^(\d+)m$/.exec(duration ?? '')?.[1] ?? 0);

function nameFindings(all: readonly { id: string; name: string }[], max: number): Finding[] {
  return all.flatMap(({ id, name }) => [
    ...(name.length > max
      ? [{ id, problem: `${name} has ${name.length} characters, at most ${max} are allowed` }]
      : []),
    ...(all.filter((other) => other.name === name).length > 1 ? [{ id, problem: `${name} is used twice` }] : []),
  ]);
}
