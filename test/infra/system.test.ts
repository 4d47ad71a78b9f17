import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { readEnvironment } from '../../aws/secrets/env.ts';
import { PEOPLE, PROJECT, QUEUE, ROUTER_TIMEOUT_SECONDS, SCHEDULES, WORKFLOW } from '../../aws/resources.ts';
import { copyFolder, FUNCTION_GRANTS, SETTABLE } from '../../aws/secrets/secret-groups.ts';
import { TARGETS } from '../../schemas/incidents/projection.ts';
import { type Described, describeSystem, type System } from './platform.ts';

const ROOT = join(import.meta.dirname, '../..');
const ADMIN = { FIREBREAK_ADMIN_TOKEN: 'an-admin-token-of-some-length' };
const AUDIT = { FIREBREAK_AUDIT_KEY: 'an-audit-key-of-some-length' };
const REQUIRED = { ...ADMIN, ...AUDIT };

let production: System;
beforeAll(async () => {
  production = await describeSystem('production', REQUIRED);
  vi.unstubAllGlobals();
});
beforeEach(() => vi.stubEnv('FIREBREAK_ALARM_EMAIL', undefined));
afterEach(() => {
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

type Statement = { actions: string[]; resources: string[] };
type FunctionArgs = {
  name: string;
  handler: string;
  environment: Record<string, string>;
  permissions: Statement[];
  concurrency?: { reserved: number };
  logging: { format: string; retention: string };
};

const functionsOf = ({ of }: System): Described[] => [...of('sst.aws.Function'), ...of('sst.aws.Workflow')];
const argsOf = ({ args }: Described): FunctionArgs => args as FunctionArgs;
const byName = (name: string): FunctionArgs => {
  const found = functionsOf(production)
    .map(argsOf)
    .find((args) => args.name === `firebreak-production-${name}`);
  if (found === undefined) throw new Error(`there is no function ${name}`);
  return found;
};

/** What the queue is called that wakes the projector for it. */
const queueOf = (target: string): string => `${target.slice(0, 1).toUpperCase()}${target.slice(1)}`;

describe('stages', () => {
  test('production is kept: it cannot be removed by a command, nor its table by anyone', () => {
    expect(production.app).toMatchObject({ removal: 'retain', protect: true });
    expect(production.one('sst.aws.Dynamo', 'Table').args).toMatchObject({ deletionProtection: true });
    expect(production.one('sst.aws.Bucket', 'Blobs').args).toMatchObject({
      transform: { bucket: { forceDestroy: false } },
    });
  });

  test('any other stage goes away whole', async () => {
    const { app, one } = await describeSystem('try-out', REQUIRED);
    expect(app).toMatchObject({ removal: 'remove', protect: false });
    expect(one('sst.aws.Dynamo', 'Table').args).toMatchObject({ deletionProtection: false });
    expect(one('sst.aws.Bucket', 'Blobs').args).toMatchObject({ transform: { bucket: { forceDestroy: true } } });
  });

  test('a stage that would make names of executions too long is refused', async () => {
    await expect(describeSystem('a-stage-of-21-letters', REQUIRED)).rejects.toThrow('the limit is 20');
  });
});

describe('functions', () => {
  test('there is one for each handler, and each handler has one', () => {
    const files = readdirSync(join(ROOT, 'functions')).filter((file) => file.endsWith('.ts'));
    const handlers = files.filter((file) =>
      /^export const handler\b/m.test(readFileSync(join(ROOT, 'functions', file), 'utf8')),
    );
    expect(handlers).toContain('http.ts');
    const described = functionsOf(production).map((one) => argsOf(one).handler);
    expect(described.toSorted()).toEqual(handlers.map((file) => `functions/${file.slice(0, -3)}.handler`).toSorted());
  });

  test.each(['http', 'slack', 'hear', 'route', 'project', 'sweep', 'evaluate', 'digest', 'incident-response'])(
    '%s finds exactly the environment that it reads',
    (name) => {
      const { environment } = byName(name);
      const { FIREBREAK_TIME_SCALE: timeScale, FIREBREAK_STAND_INS: standIns, ...read } = readEnvironment(environment);
      expect(read).toEqual(environment); // unknown names would be left out, defaults added
      expect({ timeScale, standIns }).toEqual({ timeScale: 1, standIns: [] });
    },
  );

  test('the environment names the workflow by its function and its alias', () => {
    const { environment } = byName('route');
    expect(environment['FIREBREAK_WORKFLOW_FUNCTION']).toBe(byName('incident-response').name);
    const { args } = production.one('aws.lambda.Alias', 'IncidentResponseAlias');
    expect(args).toMatchObject({
      name: environment['FIREBREAK_WORKFLOW_QUALIFIER'],
      functionName: 'IncidentResponse.name',
    });
  });

  test('only Lambda may assume their roles', () => {
    for (const { args } of functionsOf(production)) {
      const [, policy = ''] = /"assumeRolePolicy":"(.*?[^\\])"/.exec(JSON.stringify(args['transform'])) ?? [];
      expect(JSON.parse(JSON.parse(`"${policy}"`) as string)).toMatchObject({
        Statement: [{ Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      });
    }
  });

  test('the workflow may start its next run, and the projector wake itself, as often as it takes', () => {
    expect(production.of('aws.lambda.FunctionRecursionConfig').map(({ args }) => args)).toEqual([
      { functionName: 'Project.name', recursiveLoop: 'Allow' },
      { functionName: 'IncidentResponse.name', recursiveLoop: 'Allow' },
    ]);
  });

  test('deleting the workflow waits for its executions to stop', () => {
    const { args } = production.one('sst.aws.Workflow', 'IncidentResponse');
    expect(args).toMatchObject({
      transform: { function: { function: { $options: { customTimeouts: { delete: '60m' } } } } },
    });
  });

  test('all write JSON logs that end some day, and are traced', () => {
    for (const { args } of functionsOf(production)) {
      expect(args['logging']).toEqual({ format: 'json', retention: '3 months' });
      expect(JSON.stringify(args['transform'])).toContain('"tracingConfig":{"mode":"Active"}');
    }
  });

  test('the workflow has the time, the memory of its executions and the dead letters that one machine gives it', () => {
    const { args } = production.one('sst.aws.Workflow', 'IncidentResponse');
    expect(args).toMatchObject({
      timeout: {
        execution: `${WORKFLOW.executionTimeoutSeconds} seconds`,
        invocation: `${WORKFLOW.invocationTimeoutSeconds} seconds`,
      },
      retention: `${WORKFLOW.retentionDays} days`,
      transform: { function: { function: { deadLetterConfig: { targetArn: 'IncidentResponseDeadLetters.arn' } } } },
    });
  });

  test('each schedule calls its function, with retries and dead letters', () => {
    const crons = production.of('sst.aws.CronV2').map(({ args }) => args);
    expect(crons).toHaveLength(SCHEDULES.length);
    expect(crons).toEqual(
      ['Sweep', 'Evaluate', 'Digest'].map((name) => ({
        function: name,
        schedule: 'rate(1 minute)',
        retries: 2,
        dlq: `${name}DeadLetters.arn`,
      })),
    );
  });

  test('HTTP goes to one function, and what Slack sends to another; nothing in front of them throttles', () => {
    expect(production.of('Api.route')).toEqual([
      { type: 'Api.route', name: '', args: { given: ['$default', 'Http.arn'] } },
      { type: 'Api.route', name: '', args: { given: ['ANY /integrations/slack/{proxy+}', 'SlackCalls.arn'] } },
    ]);
    expect(production.one('sst.aws.ApiGatewayV2', 'Api').args).toEqual({
      cors: false,
      accessLog: { retention: '3 months' },
    });
    expect(byName('http').concurrency?.reserved).toBeGreaterThanOrEqual(50);
  });
});

describe('permissions', () => {
  const statements = () => functionsOf(production).flatMap((one) => argsOf(one).permissions);

  test('are lists of actions on named resources, and nothing is linked', () => {
    for (const { args } of functionsOf(production)) expect(Object.keys(args)).not.toContain('link');
    for (const { actions, resources } of statements()) {
      for (const action of actions) expect(action).toMatch(/^[a-z0-9]+:[A-Z][A-Za-z]+$/);
      for (const resource of resources)
        expect(resource).toMatch(
          /^(Table|Blobs|Urgent|Ordinary|Unmatched|People|Slack|Statuspage|Grafana|Tickets|Webhooks|\w+DeadLetters|arn:)/,
        );
      expect(resources).not.toHaveLength(0);
    }
  });

  /** What a request to AWS needs. */
  const NEEDS: Record<string, string[]> = {
    GetCommand: ['dynamodb:GetItem'],
    BatchGetCommand: ['dynamodb:BatchGetItem'],
    QueryCommand: ['dynamodb:Query'],
    UpdateCommand: ['dynamodb:UpdateItem'],
    TransactWriteCommand: ['PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem'].map(
      (action) => `dynamodb:${action}`,
    ),
    GetObjectCommand: ['s3:GetObject', 's3:ListBucket'],
    PutObjectCommand: ['s3:PutObject'],
    SendMessageCommand: ['sqs:SendMessage'],
    GetQueueAttributesCommand: ['sqs:GetQueueAttributes'],
    SendMessageBatchCommand: ['sqs:SendMessage'],
    ChangeMessageVisibilityBatchCommand: ['sqs:ChangeMessageVisibility'],
    InvokeCommand: ['lambda:InvokeFunction'],
    SendDurableExecutionCallbackSuccessCommand: ['lambda:SendDurableExecutionCallbackSuccess'],
    GetDurableExecutionCommand: ['lambda:GetDurableExecution'],
    GetParametersCommand: ['ssm:GetParameters'],
  };

  test('cover every request that aws/ makes', () => {
    const granted = new Set(statements().flatMap(({ actions }) => actions));
    const commands = new Set(sources('aws').flatMap((code) => code.match(/(?<=new )\w+Command(?=\()/g) ?? []));
    expect(commands.size).toBeGreaterThan(5);
    for (const command of commands) {
      const needs = NEEDS[command];
      expect(needs, `${command}: say here what it needs, and grant it in infra/permissions.ts`).toBeDefined();
      for (const action of needs ?? []) expect(granted, `${command} needs it`).toContain(action);
    }
  });

  /** Names of the functions that may do this with a resource that begins so. */
  const whoMay = (action: string, resource: string): string[] =>
    functionsOf(production)
      .filter((one) =>
        argsOf(one).permissions.some(
          ({ actions, resources }) => actions.includes(action) && resources.some((name) => name.startsWith(resource)),
        ),
      )
      .map(({ name }) => name)
      .toSorted();

  test('signals are taken by the router alone, and sent by the receivers, and by who sees deploys that do not end', () => {
    for (const queue of ['Urgent.', 'Ordinary.', 'Unmatched.']) {
      expect(whoMay('sqs:ReceiveMessage', queue)).toEqual(['Route']);
      expect(whoMay('sqs:ChangeMessageVisibility', queue)).toEqual(['Route']);
      expect(whoMay('sqs:SendMessage', queue)).toEqual(['Http', 'Sweep']);
    }
  });

  test('what Slack sends is handed on: whoever takes it in changes no record of ours', () => {
    expect(whoMay('sqs:SendMessage', 'People.')).toEqual(['Hear', 'Http', 'SlackCalls']);
    expect(whoMay('sqs:ReceiveMessage', 'People.')).toEqual(['Hear']);
    expect(whoMay('sqs:ChangeMessageVisibility', 'People.')).toEqual(['Hear']);
    const { permissions } = byName('slack');
    expect(permissions.flatMap(({ actions }) => actions).toSorted()).toEqual([
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      's3:GetObject',
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
      's3:PutObject',
      'sqs:SendMessage',
      'ssm:GetParameters',
    ]);
    expect(permissions.find(({ actions }) => actions.includes('dynamodb:UpdateItem'))).toMatchObject({
      conditions: [{ variable: 'dynamodb:LeadingKeys', values: ['QUARANTINE'] }],
    });
    expect(production.one('sst.aws.Function', 'SlackCalls').args['nodejs']).toEqual({
      esbuild: { external: ['@aws-sdk/*', '@smithy/*'] },
    });
  });

  test.each(['decisions', 'runbooks'])('the workflow writes and reads again its own %s', (folder) => {
    expect(whoMay('s3:PutObject', `Blobs.arn/${folder}/`)).toEqual(['IncidentResponse']);
    expect(whoMay('s3:GetObject', `Blobs.arn/${folder}/`)).toContain('IncidentResponse');
  });

  test('every folder of the bucket that the code names is written by somebody and read by somebody', () => {
    const code = ['aws', 'functions', 'workflows'].flatMap(sources).join('\n');
    const folders = new Set([...code.matchAll(/`(\w+)\/\$\{[^`]*\.json`/g)].map(([, folder]) => folder ?? ''));
    expect(folders).toContain('runbooks');
    const unused = [...folders].filter((folder) => {
      const isRead = whoMay('s3:GetObject', `Blobs.arn/${folder}/`).length > 0;
      // What is read of a large signal is its pointer alone.
      return whoMay('s3:PutObject', `Blobs.arn/${folder}/`).length === 0 || (!isRead && folder !== 'signals');
    });
    expect(unused).toEqual([]);
  });

  test.each(TARGETS)('all who change what is shown may wake %s, and only the projector is woken', (target) => {
    const queue = `${queueOf(target)}.`;
    expect(whoMay('sqs:SendMessage', queue)).toEqual([
      'Digest',
      'Hear',
      'Http',
      'IncidentResponse',
      'Project',
      'Route',
      'Sweep',
    ]);
    expect(whoMay('sqs:ReceiveMessage', queue)).toEqual(['Project']);
    expect(whoMay('sqs:DeleteMessage', queue)).toEqual(['Project']);
    expect(whoMay('sqs:ChangeMessageVisibility', queue)).toEqual(['Project']);
  });

  test('the projector, the evaluation and who tells stakeholders start no workflow and write nothing but the table', () => {
    expect(whoMay('lambda:InvokeFunction', '')).toEqual(['Hear', 'Http', 'IncidentResponse', 'Route', 'Sweep']);
    const writers = functionsOf(production).filter((one) =>
      argsOf(one).permissions.some(
        ({ actions, resources }) =>
          actions.includes('s3:PutObject') && resources.some((name) => !name.startsWith('Blobs.arn/secrets/')),
      ),
    );
    expect(writers.map(({ name }) => name).toSorted()).toEqual([
      'Hear',
      'Http',
      'IncidentResponse',
      'Route',
      'SlackCalls',
      'Sweep',
    ]);
  });

  test('all read the published configuration', () => {
    expect(whoMay('s3:GetObject', 'Blobs.arn/config/')).toHaveLength(9);
  });

  test.each(Object.entries(FUNCTION_GRANTS))('%s reads its own secrets and keeps its own copy', (name, grants) => {
    const { permissions, environment } = byName(name);
    const of = (action: string, begin = '') =>
      permissions
        .filter(({ actions }) => actions.includes(action))
        .flatMap(({ resources }) => resources)
        .filter((resource) => resource.startsWith(begin));
    expect(of('ssm:GetParameters').map((arn) => arn.split(':parameter')[1])).toEqual(
      grants.map((grant) => `/firebreak/production/${grant === 'named' ? 'named/*' : grant}`),
    );
    const copies = [`Blobs.arn/${copyFolder(grants)}/*`];
    expect(of('s3:GetObject', 'Blobs.arn/secrets')).toEqual(copies);
    expect(of('s3:PutObject', 'Blobs.arn/secrets')).toEqual(copies);
    expect(environment['FIREBREAK_SECRETS_GRANTS']).toBe(grants.join(','));
  });

  test('only functions with the same secrets share the key of their copy', () => {
    const folders = Object.values(FUNCTION_GRANTS).map((grants) => copyFolder(grants));
    const keys = Object.keys(FUNCTION_GRANTS).map((name) => byName(name).environment['FIREBREAK_SECRETS_KEY']);
    expect(new Set(keys).size).toBe(new Set(folders).size);
    expect(new Set(keys.map((key, n) => `${key} ${folders[n]}`)).size).toBe(new Set(folders).size);
  });
});

describe('queues', () => {
  const queue = (name: string) => production.one('sst.aws.Queue', name).args;

  test.each(['Urgent', 'Ordinary', 'Unmatched', 'People'])(
    '%s is FIFO, outlasts the router, and has a FIFO queue for what it gives up',
    (name) => {
      expect(queue(name)).toEqual({
        fifo: true,
        visibilityTimeout: `${6 * ROUTER_TIMEOUT_SECONDS} seconds`,
        dlq: { queue: `${name}DeadLetters.arn`, retry: QUEUE.maxReceives },
        transform: { queue: { deduplicationScope: 'messageGroup', fifoThroughputLimit: 'perMessageGroupId' } },
      });
      expect(queue(`${name}DeadLetters`)).toMatchObject({ fifo: true });
    },
  );

  test('dead letters are kept for two weeks, and what Lambda fills is no FIFO queue', () => {
    const deadLetters = production.of('sst.aws.Queue').filter(({ name }) => name.endsWith('DeadLetters'));
    expect(deadLetters).toHaveLength(8 + TARGETS.length);
    for (const { args } of deadLetters) {
      expect(args).toMatchObject({ transform: { queue: { messageRetentionSeconds: 14 * 24 * 3600 } } });
    }
    expect(queue('SweepDeadLetters')['fifo']).toBe(false);
    expect(queue('EvaluateDeadLetters')['fifo']).toBe(false);
    expect(queue('DigestDeadLetters')['fifo']).toBe(false);
    expect(queue('IncidentResponseDeadLetters')['fifo']).toBe(false);
  });

  test.each(TARGETS)('the queue that wakes %s takes delays, outlasts the projector, and has dead letters', (target) => {
    const name = queueOf(target);
    expect(queue(name)).toEqual({
      visibilityTimeout: `${PROJECT.visibilitySeconds} seconds`, // no FIFO queue: those know no delay of one message
      dlq: { queue: `${name}DeadLetters.arn`, retry: PROJECT.maxReceives },
    });
    expect(PROJECT.visibilitySeconds).toBeGreaterThanOrEqual(PROJECT.timeoutSeconds); // else Lambda refuses it
    expect(queue(`${name}DeadLetters`)['fifo']).toBe(false);
  });

  test('each place where incidents are shown has functions that no other can take', () => {
    const given = TARGETS.map((target) =>
      production.of(`${queueOf(target)}.subscribe`).map(({ args }) => args['given']),
    );
    const source = [
      'Project.arn',
      {
        batch: { size: QUEUE.batchSize, partialResponses: true },
        transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: 2 } } },
      },
    ];
    expect(given).toEqual(TARGETS.map(() => [source]));
    expect(byName('project').concurrency?.reserved).toBe(2 * TARGETS.length);
  });

  test('people are heard one by one, and each of those who may come at once has a place', () => {
    expect(production.of('People.subscribe').map(({ args }) => args['given'])).toEqual([
      [
        'Hear.arn',
        {
          batch: { size: 1, partialResponses: true },
          transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: 10 } } },
        },
      ],
    ]);
    expect(byName('hear').concurrency?.reserved).toBe(10);
    expect(QUEUE.visibilitySeconds).toBeGreaterThanOrEqual(6 * PEOPLE.timeoutSeconds);
  });

  test('the router takes batches of which a part may fail, and has a place for each that may come at once', () => {
    const calls = ['Urgent', 'Ordinary', 'Unmatched'].flatMap((name) => production.of(`${name}.subscribe`));
    const atOnce = calls.map(({ args }) => {
      const [to, how] = args['given'] as [
        string,
        { transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: number } } } },
      ];
      expect(to).toBe('Route.arn');
      expect(how).toMatchObject({ batch: { partialResponses: true } });
      return how.transform.eventSourceMapping.scalingConfig.maximumConcurrency;
    });
    expect(atOnce).toHaveLength(3);
    const sizeOf = (name: string) => production.of(`${name}.subscribe`).map(({ args }) => args['given']);
    expect(sizeOf('Urgent')).toMatchObject([['Route.arn', { batch: { size: QUEUE.urgentBatchSize } }]]);
    expect(sizeOf('Ordinary')).toMatchObject([['Route.arn', { batch: { size: QUEUE.batchSize } }]]);
    expect(QUEUE.urgentBatchSize).toBeLessThan(QUEUE.batchSize);
    expect(byName('route').concurrency?.reserved).toBe(atOnce.reduce((sum, one) => sum + one, 0));
  });
});

describe('alarms', () => {
  const alarms = () => production.of('aws.cloudwatch.MetricAlarm').map(({ args }) => args);
  const watches = (dimension: string, value: string, metricName: string) =>
    alarms().some(
      (alarm) =>
        alarm['metricName'] === metricName && (alarm['dimensions'] as Record<string, string>)[dimension] === value,
    );

  test('all tell the topic, in words, and have a name of their own', () => {
    for (const alarm of alarms()) {
      expect(alarm).toMatchObject({ alarmActions: ['Alarms.arn'], okActions: ['Alarms.arn'] });
      expect(alarm['alarmDescription']).toMatch(/^\w.{20,}/);
    }
    expect(new Set(alarms().map(({ name }) => name)).size).toBe(alarms().length);
  });

  test('every dead-letter queue has one', () => {
    const deadLetters = production.of('sst.aws.Queue').filter(({ name }) => name.endsWith('DeadLetters'));
    const unwatched = deadLetters.filter(
      ({ name }) => !watches('QueueName', `${name}.nodes.queue.name`, 'ApproximateNumberOfMessagesVisible'),
    );
    expect(unwatched.map(({ name }) => name)).toEqual([]);
  });

  test.each([
    ['http throws', 'FunctionName', 'Http.name', 'Errors'],
    ['the router throws', 'FunctionName', 'Route.name', 'Errors'],
    ['the projector throws', 'FunctionName', 'Project.name', 'Errors'],
    ['the sweeper throws', 'FunctionName', 'Sweep.name', 'Errors'],
    ['an evaluation throws', 'FunctionName', 'Evaluate.name', 'Errors'],
    ['stakeholders cannot be told', 'FunctionName', 'Digest.name', 'Errors'],
    ['http has no place left', 'FunctionName', 'Http.name', 'Throttles'],
    ['the router has no place left', 'FunctionName', 'Route.name', 'Throttles'],
    ['the projector has no place left', 'FunctionName', 'Project.name', 'Throttles'],
    ['the workflow has no place left', 'FunctionName', 'IncidentResponse.name', 'Throttles'],
    ['a workflow has failed', 'FunctionName', 'IncidentResponse.name', 'DurableExecutionFailed'],
    ['a workflow has timed out', 'FunctionName', 'IncidentResponse.name', 'DurableExecutionTimedOut'],
    ['a call of the sweeper was dropped', 'FunctionName', 'Sweep.name', 'AsyncEventsDropped'],
    ['a start of the workflow was dropped', 'FunctionName', 'IncidentResponse.name', 'AsyncEventsDropped'],
    ['the projector is taken for a loop', 'FunctionName', 'Project.name', 'RecursiveInvocationsDropped'],
    ['the workflow is taken for a loop', 'FunctionName', 'IncidentResponse.name', 'RecursiveInvocationsDropped'],
    ['the projector calls itself without end', 'FunctionName', 'Project.name', 'Invocations'],
    ['reads of the table are throttled', 'TableName', 'Table.name', 'ReadThrottleEvents'],
    ['writes of the table are throttled', 'TableName', 'Table.name', 'WriteThrottleEvents'],
    ['reads of the index are throttled', 'GlobalSecondaryIndexName', 'list', 'ReadThrottleEvents'],
    ['an urgent signal waits', 'QueueName', 'Urgent.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ['a signal waits', 'QueueName', 'Ordinary.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ['an unmatched signal waits', 'QueueName', 'Unmatched.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ...TARGETS.map((target) => [
      `nobody looks at what ${target} is to show`,
      'QueueName',
      `${queueOf(target)}.nodes.queue.name`,
      'ApproximateAgeOfOldestMessage',
    ]),
    ['a request was answered with 5xx', 'ApiId', 'Api.nodes.api.id', '5xx'],
  ])('one goes off when %s', (_when, dimension, value, metric) => {
    expect(watches(dimension, value, metric)).toBe(true);
  });

  test('a projector that asked to be woken later is not taken for one that is late', () => {
    const late = alarms().filter(({ name }) => TARGETS.some((target) => name === `firebreak-production-${target}-age`));
    expect(late).toHaveLength(TARGETS.length);
    for (const { threshold } of late) expect(threshold).toBeGreaterThan(900); // the longest delay that SQS takes
  });

  test.each(['sweep', 'evaluate', 'digest'])('a %s that is not called at all is noticed by its silence', (one) => {
    const silent = alarms().find(({ name }) => name === `firebreak-production-${one}-silent`);
    expect(silent).toMatchObject({
      metricName: 'Invocations',
      comparisonOperator: 'LessThanThreshold',
      treatMissingData: 'breaching',
    });
  });

  test('an address that is given is subscribed', async () => {
    expect(production.of('aws.sns.TopicSubscription')).toEqual([]);
    vi.stubEnv('FIREBREAK_ALARM_EMAIL', 'sre@example.test');
    const { of } = await describeSystem('production', REQUIRED);
    expect(of('aws.sns.TopicSubscription').map(({ args }) => args)).toEqual([
      { topic: 'Alarms.arn', protocol: 'email', endpoint: 'sre@example.test' },
    ]);
  });
});

describe('secrets', () => {
  const parameters = ({ of }: System) => of('aws.ssm.Parameter').map(({ args }) => args);

  test('those that are set become a SecureString for each group; what is not set, nothing', async () => {
    const system = await describeSystem('dev', {
      ...REQUIRED,
      PAGERDUTY_ROUTING_KEY: 'R0UT1NG',
      PAGERDUTY_FROM: 'ops@example.test',
      SLACK_BOT_TOKEN: '',
      CD_TOKEN: 'cd-token',
    });
    const secure = (name: string, value: string) =>
      expect.objectContaining({ name: `/firebreak/dev/${name}`, type: 'SecureString', value }) as unknown;
    expect(parameters(system)).toEqual([
      secure('access', JSON.stringify(ADMIN)),
      secure('audit', JSON.stringify(AUDIT)),
      secure('pagerduty', JSON.stringify({ PAGERDUTY_FROM: 'ops@example.test', PAGERDUTY_ROUTING_KEY: 'R0UT1NG' })),
      secure('named/CD_TOKEN', 'cd-token'),
    ]);
    const environments = functionsOf(system).map((one) => argsOf(one).environment);
    for (const environment of environments) expect(environment['FIREBREAK_SECRETS_PATH']).toBe('/firebreak/dev');
    for (const secret of ['R0UT1NG', 'cd-token', ...Object.values(REQUIRED)])
      expect(JSON.stringify(environments)).not.toContain(secret);
  });

  test('who need not have the credentials sees which vendors are connected', async () => {
    const system = await describeSystem('dev', {
      ...REQUIRED,
      SLACK_BOT_TOKEN: 'xoxb-1',
      GRAFANA_URL: 'https://g.test',
    });
    expect(parameters(system)).toContainEqual(
      expect.objectContaining({ name: '/firebreak/dev/connected', value: JSON.stringify({ CONNECTED_SLACK: 'yes' }) }),
    );
  });

  test('a group that SSM would not take is refused', async () => {
    const long = { ...REQUIRED, KUBERNETES_TOKEN: 'x'.repeat(8192) };
    await expect(describeSystem('dev', long)).rejects.toThrow(/secrets of delivery have \d+ bytes/);
  });

  test('a deployment without an admin token or an audit key is refused, and one with a token that can be guessed', async () => {
    for (const name of Object.keys(REQUIRED)) {
      const others = Object.fromEntries(Object.entries(REQUIRED).filter(([other]) => other !== name));
      await expect(describeSystem('dev', others)).rejects.toThrow(name);
      await expect(describeSystem('dev', { ...others, [name]: '' })).rejects.toThrow(`${name} is empty`);
      await expect(describeSystem('dev', { ...others, [name]: 'short' })).rejects.toThrow(`${name} has 5 characters`);
    }
    await expect(describeSystem('dev', { ...REQUIRED, FIREBREAK_INGEST_TOKEN: 'secret' })).rejects.toThrow(
      'the minimum is 24',
    );
  });

  test('every name that the product reads can be set', async () => {
    const code = ['aws', 'functions', 'integrations', 'schemas'].flatMap(sources).join('\n');
    const read = code.matchAll(/secrets\.get\('([A-Z_]+)'\)|\bsecret: '([A-Z_]+)'/g);
    const names = new Set([...read].map(([, got, named]) => got ?? named ?? ''));
    for (const [, token] of code.matchAll(/'([A-Z]+_TOKEN)'/g)) names.add(token ?? '');
    names.delete('AWS_TARGETS_URL'); // a sandbox's alone
    expect(SETTABLE).toEqual(expect.arrayContaining([...names]));
    expect([...names]).toEqual(expect.arrayContaining(['PAGERDUTY_ROUTING_KEY', 'KUBERNETES_TOKEN', 'ARGOCD_TOKEN']));
    const set = Object.fromEntries([...names].map((name) => [name, `a-value-of-some-length-for-${name}`]));
    const made = parameters(await describeSystem('dev', { ...REQUIRED, ...set }));
    const held = made.flatMap(({ name, value }) =>
      String(name).includes('/named/')
        ? [String(name).split('/').at(-1) ?? '']
        : Object.keys(JSON.parse(String(value)) as object),
    );
    expect(held).toEqual(expect.arrayContaining([...names]));
  });
});

/** The text of every file of a folder of the product. */
function sources(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.ts')).map((file) => readFileSync(join(ROOT, folder, file), 'utf8'));
}
