import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { parse, type ScalarTag } from 'yaml';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { readEnvironment } from '../../../assembly/environment.ts';
import { FUNCTION_NAMES, FUNCTIONS, SCHEDULED } from '../../../assembly/functions.ts';
import { QUEUE, WAKE_QUEUE } from '../../../assembly/resources.ts';
import { copyFolder, FUNCTION_GRANTS, SETTABLE } from '../../../assembly/secret-groups.ts';
import { CHANGE_SENDERS } from '../../../integrations/change-senders.ts';
import { QUEUES } from '../../../schemas/config/queues.ts';
import { PROJECTION_TARGET_NAMES } from '../../../schemas/incidents/projection.ts';
import { type Described, describeSystem, type System } from './platform.ts';

const ROOT = join(import.meta.dirname, '../../..');
const ADMIN = { FIREBREAK_ADMIN_TOKEN: 'an-admin-token-of-some-length' };
const AUDIT = { FIREBREAK_AUDIT_KEY: 'an-audit-key-of-some-length' };
const REQUIRED = { ...ADMIN, ...AUDIT };

let production: System;
beforeAll(async () => {
  production = await describeSystem('production', REQUIRED);
  vi.unstubAllGlobals();
});
beforeEach(() => {
  vi.stubEnv('FIREBREAK_ALARM_EMAIL', undefined);
  vi.stubEnv('FIREBREAK_AWS_CHANGES', undefined);
});
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

/** Returns the name of the queue that wakes the target's projector. */
const queueOf = (target: string): string => `${target.slice(0, 1).toUpperCase()}${target.slice(1)}`;

/** What Node 20 lacks, by the object that has it. */
const NEWER_THAN_NODE_20: readonly [object, readonly string[]][] = [
  [Map, ['groupBy']],
  [Object, ['groupBy']],
  [Promise, ['withResolvers', 'try']],
  [Array, ['fromAsync']],
  [Set.prototype, ['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf']],
  [
    Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object,
    ['map', 'filter', 'take', 'drop', 'flatMap', 'reduce', 'toArray', 'forEach', 'some', 'every', 'find'],
  ],
];

test('nothing is called that Node 20 lacks, on which people start sst, too', async () => {
  const spies = NEWER_THAN_NODE_20.flatMap(([owner, names]) =>
    names.map((name) => [name, vi.spyOn(owner as Record<string, () => unknown>, name)] as const),
  );
  try {
    await describeSystem('production', { ...REQUIRED, PAGERDUTY_ROUTING_KEY: 'a-key', CD_TOKEN: 'a-token' });
    expect(spies.filter(([, spy]) => spy.mock.calls.length > 0).map(([name]) => name)).toEqual([]);
  } finally {
    for (const [, spy] of spies) spy.mockRestore();
  }
});

describe('stages', () => {
  test('production is protected: no command can remove it, and its table cannot be deleted', () => {
    expect(production.app).toMatchObject({ removal: 'retain', protect: true });
    expect(production.one('sst.aws.Dynamo', 'Table').args).toMatchObject({ deletionProtection: true });
    expect(production.one('sst.aws.Bucket', 'Blobs').args).toMatchObject({
      transform: { bucket: { forceDestroy: false } },
    });
  });

  test('any other stage is removed completely', async () => {
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
  test('there is one function for each handler, and one handler for each function', () => {
    const files = readdirSync(join(ROOT, 'functions')).filter((file) => file.endsWith('.ts'));
    const handlers = files.filter((file) =>
      /^export const handler\b/m.test(readFileSync(join(ROOT, 'functions', file), 'utf8')),
    );
    expect(handlers).toContain('http.ts');
    const described = functionsOf(production).map((one) => argsOf(one).handler);
    expect(described.toSorted()).toEqual(handlers.map((file) => `functions/${file.slice(0, -3)}.handler`).toSorted());
  });

  test.each(FUNCTION_NAMES)('%s has exactly the environment that it reads', (name) => {
    const { environment } = byName(name);
    const { FIREBREAK_TIME_SCALE: timeScale, FIREBREAK_STAND_INS: standIns, ...read } = readEnvironment(environment);
    expect(read).toEqual(environment); // parsing would drop unknown names and add defaults
    expect({ timeScale, standIns }).toEqual({ timeScale: 1, standIns: [] });
  });

  test('the environment names the function and the alias of the workflow', () => {
    const { environment } = byName('route');
    expect(environment['FIREBREAK_WORKFLOW_FUNCTION']).toBe(byName('incident-response').name);
    const { args } = production.one('aws.lambda.Alias', 'IncidentResponseAlias');
    expect(args).toMatchObject({
      name: environment['FIREBREAK_WORKFLOW_QUALIFIER'],
      functionName: 'IncidentResponse.name',
    });
  });

  test('only Lambda can assume their roles', () => {
    for (const { args } of functionsOf(production)) {
      const [, policy = ''] = /"assumeRolePolicy":"(.*?[^\\])"/.exec(JSON.stringify(args['transform'])) ?? [];
      expect(JSON.parse(JSON.parse(`"${policy}"`) as string)).toMatchObject({
        Statement: [{ Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      });
    }
  });

  test('recursion is allowed for the workflow and the projector', () => {
    expect(production.of('aws.lambda.FunctionRecursionConfig').map(({ args }) => args)).toEqual([
      { functionName: 'Project.name', recursiveLoop: 'Allow' },
      { functionName: 'IncidentResponse.name', recursiveLoop: 'Allow' },
    ]);
  });

  test('deleting the workflow waits until its executions stop', () => {
    const { args } = production.one('sst.aws.Workflow', 'IncidentResponse');
    expect(args).toMatchObject({
      transform: { function: { function: { $options: { customTimeouts: { delete: '60m' } } } } },
    });
  });

  test('all functions write JSON logs with a retention, and are traced', () => {
    for (const { args } of functionsOf(production)) {
      expect(args['logging']).toEqual({ format: 'json', retention: '3 months' });
      expect(JSON.stringify(args['transform'])).toContain('"tracingConfig":{"mode":"Active"}');
    }
  });

  test('the workflow has the same timeouts, retention, and dead-letter queue as on one machine', () => {
    const { args } = production.one('sst.aws.Workflow', 'IncidentResponse');
    expect(args).toMatchObject({
      timeout: {
        execution: `${FUNCTIONS['incident-response'].durable.executionTimeoutSeconds} seconds`,
        invocation: `${FUNCTIONS['incident-response'].timeoutSeconds} seconds`,
      },
      retention: `${FUNCTIONS['incident-response'].durable.retentionDays} days`,
      transform: { function: { function: { deadLetterConfig: { targetArn: 'IncidentResponseDeadLetters.arn' } } } },
    });
  });

  test('each schedule calls its function, with retries and a dead-letter queue', () => {
    const crons = production.of('sst.aws.CronV2').map(({ args }) => args);
    expect(crons).toHaveLength(SCHEDULED.length);
    expect(crons).toEqual(
      ['Sweep', 'Evaluate', 'Digest', 'Snapshot'].map((name) => ({
        function: name,
        schedule: 'rate(1 minute)',
        retries: 2,
        dlq: `${name}DeadLetters.arn`,
      })),
    );
  });

  test('HTTP goes to one function, the console and requests from Slack to others, and nothing in front of them throttles', () => {
    expect(production.of('Api.route')).toEqual([
      { type: 'Api.route', name: '', args: { given: ['$default', 'Http.arn'] } },
      ...['/console', '/login', '/logout', '/assets'].flatMap((path) =>
        [path, `${path}/{proxy+}`].map((route) => ({
          type: 'Api.route',
          name: '',
          args: { given: [`ANY ${route}`, 'Console.arn'] },
        })),
      ),
      ...['/status', '/status.json', '/status.rss', '/status.atom', '/status.svg', '/status/{proxy+}'].map((route) => ({
        type: 'Api.route',
        name: '',
        args: { given: [`ANY ${route}`, 'StatusPages.arn'] },
      })),
      {
        type: 'Api.route',
        name: '',
        args: { given: ['ANY /status/subscriptions/{proxy+}', 'StatusSubscriptions.arn'] },
      },
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

  const queues = QUEUES.map((name) => name.replace(/^./, (letter) => letter.toUpperCase()));
  const NAMED = new RegExp(`^(Table|Blobs|StatusSite|${queues.join('|')}|\\w+DeadLetters|arn:)`);

  test('are lists of actions on named resources; nothing is linked', () => {
    for (const { args } of functionsOf(production)) expect(Object.keys(args)).not.toContain('link');
    for (const { actions, resources } of statements()) {
      for (const action of actions) expect(action).toMatch(/^[a-z0-9]+:[A-Z][A-Za-z]+$/);
      for (const resource of resources) expect(resource).toMatch(NAMED);
      expect(resources).not.toHaveLength(0);
    }
  });

  /** Permissions that each AWS request needs. */
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
    DeleteObjectCommand: ['s3:DeleteObject'],
    GetQueueAttributesCommand: ['sqs:GetQueueAttributes'],
    SendMessageBatchCommand: ['sqs:SendMessage'],
    ChangeMessageVisibilityBatchCommand: ['sqs:ChangeMessageVisibility'],
    InvokeCommand: ['lambda:InvokeFunction'],
    SendDurableExecutionCallbackSuccessCommand: ['lambda:SendDurableExecutionCallbackSuccess'],
    GetDurableExecutionCommand: ['lambda:GetDurableExecution'],
    GetParametersCommand: ['ssm:GetParameters'],
  };

  test('cover every request that aws/ and platforms/aws/ make', () => {
    const granted = new Set(statements().flatMap(({ actions }) => actions));
    const commands = new Set(
      ['platforms/aws'].flatMap(sources).flatMap((code) => code.match(/(?<=new )\w+Command(?=\()/g) ?? []),
    );
    expect(commands.size).toBeGreaterThan(10);
    for (const command of commands) {
      const needs = NEEDS[command];
      expect(
        needs,
        `${command}: say here what it needs, and grant it in platforms/aws/infra/permissions.ts`,
      ).toBeDefined();
      for (const action of needs ?? []) expect(granted, `${command} needs it`).toContain(action);
    }
  });

  /** Returns the names of functions that may do this with a resource with this prefix. */
  const rolesAllowed = (action: string, resource: string): string[] =>
    functionsOf(production)
      .filter((one) =>
        argsOf(one).permissions.some(
          ({ actions, resources }) => actions.includes(action) && resources.some((name) => name.startsWith(resource)),
        ),
      )
      .map(({ name }) => name)
      .toSorted();

  test('only the router receives signals; only the receivers, a replay in the console, watches, and the sweeper send them', () => {
    for (const queue of ['Urgent.', 'Ordinary.', 'Unmatched.']) {
      expect(rolesAllowed('sqs:ReceiveMessage', queue)).toEqual(['Route']);
      expect(rolesAllowed('sqs:ChangeMessageVisibility', queue)).toEqual(['Route']);
      expect(rolesAllowed('sqs:SendMessage', queue)).toEqual(['Console', 'Http', 'IncidentResponse', 'Sweep']);
    }
  });

  test('requests from Slack are passed on: the receiving function changes no records', () => {
    expect(rolesAllowed('sqs:SendMessage', 'People.')).toEqual(['Console', 'Http', 'Inbound', 'SlackCalls']);
    expect(rolesAllowed('sqs:ReceiveMessage', 'People.')).toEqual(['Inbound']);
    expect(rolesAllowed('sqs:ChangeMessageVisibility', 'People.')).toEqual(['Inbound']);
    const { permissions } = byName('slack');
    expect(permissions.flatMap(({ actions }) => actions).toSorted()).toEqual([
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'dynamodb:UpdateItem',
      's3:GetObject',
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
      's3:PutObject',
      'sqs:SendMessage',
      'ssm:GetParameters',
    ]);
    expect(permissions.filter(({ actions }) => actions.includes('dynamodb:UpdateItem'))).toMatchObject([
      { conditions: [{ variable: 'dynamodb:LeadingKeys', values: ['QUARANTINE'] }] },
      { conditions: [{ variable: 'dynamodb:LeadingKeys', values: ['COUNTS#refusals#*'] }] },
    ]);
    expect(production.one('sst.aws.Function', 'SlackCalls').args['nodejs']).toEqual({
      splitting: true,
      esbuild: { external: ['@aws-sdk/*', '@smithy/*'] },
    });
  });

  test('the public status pages can read public records and the configuration, and change nothing', () => {
    const { permissions } = byName('status');
    const kept = permissions.filter(
      ({ resources }) => !resources.some((name) => name.startsWith('Blobs.arn/secrets/')),
    );
    expect(kept.flatMap(({ actions }) => actions).toSorted()).toEqual([
      'dynamodb:GetItem',
      'dynamodb:Query',
      's3:GetObject',
      's3:ListBucket',
      'ssm:GetParameters',
    ]);
    expect(permissions.find(({ actions }) => actions.includes('dynamodb:Query'))).toMatchObject({
      conditions: [{ variable: 'dynamodb:LeadingKeys', values: ['PUBLIC#*', 'PUBLICMONTH#*', 'PUBLICOPEN'] }],
    });
  });

  test('the snapshot reads what the status pages read, and writes only to its own bucket', () => {
    const read = (name: string) =>
      byName(name)
        .permissions.filter(({ actions }) => actions.some((action) => action.startsWith('dynamodb:')))
        .map(({ actions, resources }) => ({ actions, resources }));
    expect(read('snapshot')).toEqual(read('status'));
    expect(rolesAllowed('s3:PutObject', 'StatusSite.arn/')).toEqual(['Snapshot']);
    expect(rolesAllowed('s3:DeleteObject', 'StatusSite.arn/')).toEqual(['Snapshot']);
    expect(rolesAllowed('s3:DeleteObject', 'Blobs.arn')).toEqual([]);
  });

  test('only CloudFront reads the bucket of the snapshot, and it uses nothing else', () => {
    expect(production.one('sst.aws.Bucket', 'StatusSite').args).toMatchObject({ access: 'cloudfront' });
    const { args } = production.one('sst.aws.Cdn', 'StatusCdn');
    expect(args).toMatchObject({
      origins: [{ domainName: 'StatusSite.nodes.bucket.bucketRegionalDomainName' }],
      defaultCacheBehavior: { viewerProtocolPolicy: 'redirect-to-https' },
    });
    expect(args).not.toHaveProperty('domain');
  });

  test.each([
    ['decisions', ['IncidentResponse']],
    ['evidence', ['Sweep']],
    // Large runbooks that people start over HTTP and in the console.
    ['runbooks', ['Console', 'Http', 'IncidentResponse']],
  ])('only functions that create %s write them, and read them', (folder, writers) => {
    expect(rolesAllowed('s3:PutObject', `Blobs.arn/${folder}/`)).toEqual(writers);
    expect(rolesAllowed('s3:GetObject', `Blobs.arn/${folder}/`)).toEqual(expect.arrayContaining(writers));
  });

  test('every bucket folder that the code names has a writer and a reader', () => {
    const code = ['assembly', 'stores', 'functions', 'workflows'].flatMap(sources).join('\n');
    const folders = new Set([...code.matchAll(/`(\w+)\/\$\{[^`]*\.json`/g)].map(([, folder]) => folder ?? ''));
    expect(folders).toContain('runbooks');
    const unused = [...folders].filter((folder) => {
      const isRead = rolesAllowed('s3:GetObject', `Blobs.arn/${folder}/`).length > 0;
      // Of a large signal, only its pointer is read.
      return rolesAllowed('s3:PutObject', `Blobs.arn/${folder}/`).length === 0 || (!isRead && folder !== 'signals');
    });
    expect(unused).toEqual([]);
  });

  test.each(PROJECTION_TARGET_NAMES)(
    'every function that changes shown data may wake %s, and only the projector receives it',
    (target) => {
      const queue = `${queueOf(target)}.`;
      expect(rolesAllowed('sqs:SendMessage', queue)).toEqual([
        'Console',
        'Digest',
        'Evaluate',
        'Http',
        'Inbound',
        'IncidentResponse',
        'Project',
        'Route',
        // Readers who subscribe are asked to confirm.
        ...(target === 'subscribers' ? ['StatusSubscriptions'] : []),
        'Sweep',
      ]);
      expect(rolesAllowed('sqs:ReceiveMessage', queue)).toEqual(['Project']);
      expect(rolesAllowed('sqs:DeleteMessage', queue)).toEqual(['Project']);
      expect(rolesAllowed('sqs:ChangeMessageVisibility', queue)).toEqual(['Project']);
    },
  );

  test('the projector, the evaluation, and the digest start no workflow and write only to the table', () => {
    expect(rolesAllowed('lambda:InvokeFunction', '')).toEqual([
      'Console',
      'Http',
      'Inbound',
      'IncidentResponse',
      'Route',
      'Sweep',
    ]);
    const writers = functionsOf(production).filter((one) =>
      argsOf(one).permissions.some(
        ({ actions, resources }) =>
          actions.includes('s3:PutObject') &&
          resources.some((name) => name.startsWith('Blobs.arn/') && !name.startsWith('Blobs.arn/secrets/')),
      ),
    );
    expect(writers.map(({ name }) => name).toSorted()).toEqual([
      'Console',
      'Http',
      'Inbound',
      'IncidentResponse',
      'Route',
      'SlackCalls',
      'Sweep',
    ]);
  });

  test('every function reads the published configuration', () => {
    expect(rolesAllowed('s3:GetObject', 'Blobs.arn/config/')).toHaveLength(FUNCTION_NAMES.length);
  });

  test.each(Object.entries(FUNCTION_GRANTS))('%s reads only its own secrets and keeps its own copy', (name, grants) => {
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
    '%s is FIFO, outlasts the router, and has a FIFO dead-letter queue',
    (name) => {
      expect(queue(name)).toEqual({
        fifo: true,
        visibilityTimeout: `${6 * FUNCTIONS.route.timeoutSeconds} seconds`,
        dlq: { queue: `${name}DeadLetters.arn`, retry: QUEUE.maxReceives },
        transform: { queue: { deduplicationScope: 'messageGroup', fifoThroughputLimit: 'perMessageGroupId' } },
      });
      expect(queue(`${name}DeadLetters`)).toMatchObject({ fifo: true });
    },
  );

  test('dead letters are kept for two weeks, and queues that Lambda writes to are standard queues', () => {
    const deadLetters = production.of('sst.aws.Queue').filter(({ name }) => name.endsWith('DeadLetters'));
    expect(deadLetters).toHaveLength(9 + PROJECTION_TARGET_NAMES.length);
    for (const { args } of deadLetters) {
      expect(args).toMatchObject({ transform: { queue: { messageRetentionSeconds: 14 * 24 * 3600 } } });
    }
    expect(queue('SweepDeadLetters')['fifo']).toBe(false);
    expect(queue('EvaluateDeadLetters')['fifo']).toBe(false);
    expect(queue('DigestDeadLetters')['fifo']).toBe(false);
    expect(queue('IncidentResponseDeadLetters')['fifo']).toBe(false);
  });

  test.each(PROJECTION_TARGET_NAMES)(
    'the queue that wakes %s supports delays, outlasts the projector, and has a dead-letter queue',
    (target) => {
      const name = queueOf(target);
      expect(queue(name)).toEqual({
        visibilityTimeout: `${WAKE_QUEUE.visibilitySeconds} seconds`, // a standard queue: FIFO queues do not support a delay for one message
        dlq: { queue: `${name}DeadLetters.arn`, retry: WAKE_QUEUE.maxReceives },
      });
      expect(WAKE_QUEUE.visibilitySeconds).toBeGreaterThanOrEqual(FUNCTIONS.project.timeoutSeconds); // otherwise Lambda refuses it
      expect(queue(`${name}DeadLetters`)['fifo']).toBe(false);
    },
  );

  test('each target that shows incidents has its own concurrency', () => {
    const given = PROJECTION_TARGET_NAMES.map((target) =>
      production.of(`${queueOf(target)}.subscribe`).map(({ args }) => args['given']),
    );
    const source = [
      'Project.arn',
      {
        batch: { size: QUEUE.batchSize, partialResponses: true },
        transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: 2 } } },
      },
    ];
    expect(given).toEqual(PROJECTION_TARGET_NAMES.map(() => [source]));
    expect(byName('project').concurrency?.reserved).toBe(2 * PROJECTION_TARGET_NAMES.length);
  });

  test('messages of people are processed one by one, with concurrency for the maximum', () => {
    expect(production.of('People.subscribe').map(({ args }) => args['given'])).toEqual([
      [
        'Inbound.arn',
        {
          batch: { size: 1, partialResponses: true },
          transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: 10 } } },
        },
      ],
    ]);
    expect(byName('inbound').concurrency?.reserved).toBe(10);
    expect(QUEUE.visibilitySeconds).toBeGreaterThanOrEqual(6 * FUNCTIONS.inbound.timeoutSeconds);
  });

  test('the router supports partial batch failures, and has concurrency for each event source', () => {
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

  test('all notify the topic, have a description, and have unique names', () => {
    for (const alarm of alarms()) {
      expect(alarm).toMatchObject({ alarmActions: ['Alarms.arn'], okActions: ['Alarms.arn'] });
      expect(alarm['alarmDescription']).toMatch(/^\w.{20,}/);
    }
    expect(new Set(alarms().map(({ name }) => name)).size).toBe(alarms().length);
  });

  test('every dead-letter queue has an alarm', () => {
    const deadLetters = production.of('sst.aws.Queue').filter(({ name }) => name.endsWith('DeadLetters'));
    const unwatched = deadLetters.filter(
      ({ name }) => !watches('QueueName', `${name}.nodes.queue.name`, 'ApproximateNumberOfMessagesVisible'),
    );
    expect(unwatched.map(({ name }) => name)).toEqual([]);
  });

  test.each([
    ['http throws an error', 'FunctionName', 'Http.name', 'Errors'],
    ['the router throws an error', 'FunctionName', 'Route.name', 'Errors'],
    ['the projector throws an error', 'FunctionName', 'Project.name', 'Errors'],
    ['the sweeper throws an error', 'FunctionName', 'Sweep.name', 'Errors'],
    ['an evaluation throws an error', 'FunctionName', 'Evaluate.name', 'Errors'],
    ['stakeholders cannot be notified', 'FunctionName', 'Digest.name', 'Errors'],
    ['http is throttled', 'FunctionName', 'Http.name', 'Throttles'],
    ['the router is throttled', 'FunctionName', 'Route.name', 'Throttles'],
    ['the projector is throttled', 'FunctionName', 'Project.name', 'Throttles'],
    ['the workflow is throttled', 'FunctionName', 'IncidentResponse.name', 'Throttles'],
    ['a workflow has failed', 'FunctionName', 'IncidentResponse.name', 'DurableExecutionFailed'],
    ['a workflow has timed out', 'FunctionName', 'IncidentResponse.name', 'DurableExecutionTimedOut'],
    ['a call of the sweeper was dropped', 'FunctionName', 'Sweep.name', 'AsyncEventsDropped'],
    ['a start of the workflow was dropped', 'FunctionName', 'IncidentResponse.name', 'AsyncEventsDropped'],
    ['the projector is detected as a loop', 'FunctionName', 'Project.name', 'RecursiveInvocationsDropped'],
    ['the workflow is detected as a loop', 'FunctionName', 'IncidentResponse.name', 'RecursiveInvocationsDropped'],
    ['the projector invokes itself endlessly', 'FunctionName', 'Project.name', 'Invocations'],
    ['reads of the table are throttled', 'TableName', 'Table.name', 'ReadThrottleEvents'],
    ['writes of the table are throttled', 'TableName', 'Table.name', 'WriteThrottleEvents'],
    ['reads of the index are throttled', 'GlobalSecondaryIndexName', 'list', 'ReadThrottleEvents'],
    ['an urgent signal waits', 'QueueName', 'Urgent.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ['a signal waits', 'QueueName', 'Ordinary.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ['an unmatched signal waits', 'QueueName', 'Unmatched.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ...PROJECTION_TARGET_NAMES.map((target) => [
      `the projector for ${target} is late`,
      'QueueName',
      `${queueOf(target)}.nodes.queue.name`,
      'ApproximateAgeOfOldestMessage',
    ]),
    ['a response had a 5xx status', 'ApiId', 'Api.nodes.api.id', '5xx'],
  ])('an alarm goes off when %s', (_when, dimension, value, metric) => {
    expect(watches(dimension, value, metric)).toBe(true);
  });

  test('a delay that a projector requested does not count as late', () => {
    const late = alarms().filter(({ name }) =>
      PROJECTION_TARGET_NAMES.some((target) => name === `firebreak-production-${target}-age`),
    );
    expect(late).toHaveLength(PROJECTION_TARGET_NAMES.length);
    for (const { threshold } of late) expect(threshold).toBeGreaterThan(900); // the longest delay that SQS supports
  });

  test.each(['sweep', 'evaluate', 'digest', 'snapshot'])('a %s that is not called triggers an alarm', (one) => {
    const silent = alarms().find(({ name }) => name === `firebreak-production-${one}-silent`);
    expect(silent).toMatchObject({
      metricName: 'Invocations',
      comparisonOperator: 'LessThanThreshold',
      treatMissingData: 'breaching',
    });
  });

  test('a given email address is subscribed', async () => {
    expect(production.of('aws.sns.TopicSubscription')).toEqual([]);
    vi.stubEnv('FIREBREAK_ALARM_EMAIL', 'sre@example.test');
    const { of } = await describeSystem('production', REQUIRED);
    expect(of('aws.sns.TopicSubscription').map(({ args }) => args)).toEqual([
      { topic: 'Alarms.arn', protocol: 'email', endpoint: 'sre@example.test' },
    ]);
  });
});

describe('changes in AWS', () => {
  const TOKEN = { FIREBREAK_EVENTBRIDGE_TOKEN: 'fb_token' };

  test('are reported only if the deployment asks for it', async () => {
    expect(production.of('aws.cloudwatch.EventRule')).toEqual([]);
    vi.stubEnv('FIREBREAK_AWS_CHANGES', 'true');
    await expect(describeSystem('dev', REQUIRED)).rejects.toThrow('set it to on');
    vi.stubEnv('FIREBREAK_AWS_CHANGES', 'on');
    await expect(describeSystem('dev', REQUIRED)).rejects.toThrow('Set a value for FIREBREAK_EVENTBRIDGE_TOKEN');
  });

  test('reach the webhook with its token, and those that cannot be delivered raise an alarm', async () => {
    vi.stubEnv('FIREBREAK_AWS_CHANGES', 'on');
    const { of, one } = await describeSystem('dev', { ...REQUIRED, ...TOKEN });
    const sender = CHANGE_SENDERS.find(({ source }) => source === 'aws');
    expect(one('aws.cloudwatch.EventApiDestination', 'AwsChangesDestination').args).toMatchObject({
      connectionArn: 'AwsChangesConnection.arn',
      httpMethod: 'POST',
      invocationEndpoint: `https://deployed.test/Api${sender?.path}`,
    });
    expect(sender?.proof).toEqual({ kind: 'token' });
    expect(one('aws.cloudwatch.EventConnection', 'AwsChangesConnection').args).toMatchObject({
      authorizationType: 'API_KEY',
      authParameters: { apiKey: { key: 'Authorization', value: 'Bearer fb_token' } },
    });
    const targets = of('aws.cloudwatch.EventTarget').map(({ args }) => args);
    expect(targets).toHaveLength(2);
    for (const target of targets)
      expect(target).toMatchObject({
        arn: 'AwsChangesDestination.arn',
        roleArn: 'AwsChangesRole.arn',
        deadLetterConfig: { arn: 'AwsChangesDeadLetters.arn' },
      });
    const alarmed = of('aws.cloudwatch.MetricAlarm').map(({ args }) => args['name']);
    expect(alarmed).toContain('firebreak-dev-aws-changes-dead-letters');
    const { policy } = one('aws.sqs.QueuePolicy', 'AwsChangesDeadLettersPolicy').args;
    expect(JSON.parse(String(policy))).toMatchObject({
      Statement: [
        {
          Principal: { Service: 'events.amazonaws.com' },
          Action: 'sqs:SendMessage',
          Resource: 'AwsChangesDeadLetters.arn',
          Condition: { ArnEquals: { 'aws:SourceArn': ['AwsChanges-State-changes.arn', 'AwsChanges-Calls.arn'] } },
        },
      ],
    });
  });

  test('are the same as in the example for other accounts', async () => {
    vi.stubEnv('FIREBREAK_AWS_CHANGES', 'on');
    const { of } = await describeSystem('dev', { ...REQUIRED, ...TOKEN });
    const patterns = of('aws.cloudwatch.EventRule').map(
      ({ args }) => JSON.parse(String(args['eventPattern'])) as unknown,
    );
    const example = readFileSync(join(ROOT, 'examples/eventbridge/firebreak.yaml'), 'utf8');
    const { Resources } = parse(example, { customTags: ['Sub', 'GetAtt'].map(tag) }) as {
      Resources: Record<string, { Type: string; Properties: { EventPattern?: unknown } }>;
    };
    const rules = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Events::Rule');
    expect(patterns).toEqual(rules.map(({ Properties }) => Properties.EventPattern));
  });

  /** A tag of CloudFormation, which is read as its text. */
  const tag = (name: string): ScalarTag => ({ tag: `!${name}`, resolve: (text) => text });
});

describe('secrets', () => {
  const parameters = ({ of }: System) => of('aws.ssm.Parameter').map(({ args }) => args);

  test('secrets that are set become a SecureString for each group; others are left out', async () => {
    const system = await describeSystem('dev', {
      ...REQUIRED,
      PAGERDUTY_ROUTING_KEY: 'R0UT1NG',
      PAGERDUTY_FROM: 'ops@example.test',
      SLACK_BOT_TOKEN: '',
      CD_TOKEN: 'cd-token',
    });
    const secure = (name: string, value: unknown) =>
      expect.objectContaining({ name: `/firebreak/dev/${name}`, type: 'SecureString', value }) as unknown;
    expect(parameters(system)).toEqual([
      secure('access', JSON.stringify(ADMIN)),
      secure('audit', JSON.stringify(AUDIT)),
      secure('pagerduty', JSON.stringify({ PAGERDUTY_FROM: 'ops@example.test', PAGERDUTY_ROUTING_KEY: 'R0UT1NG' })),
      secure('named/CD_TOKEN', 'cd-token'),
      secure('links', expect.stringMatching(/^\{"APPROVAL_LINK_KEY":"[\w+/]{43}="\}$/)),
    ]);
    const environments = functionsOf(system).map((one) => argsOf(one).environment);
    for (const environment of environments) expect(environment['FIREBREAK_SECRETS_PATH']).toBe('/firebreak/dev');
    for (const secret of ['R0UT1NG', 'cd-token', ...Object.values(REQUIRED)])
      expect(JSON.stringify(environments)).not.toContain(secret);
  });

  test('functions without credentials see which vendors are connected', async () => {
    const system = await describeSystem('dev', {
      ...REQUIRED,
      SLACK_BOT_TOKEN: 'xoxb-1',
      GRAFANA_URL: 'https://g.test',
    });
    expect(parameters(system)).toContainEqual(
      expect.objectContaining({ name: '/firebreak/dev/connected', value: JSON.stringify({ CONNECTED_SLACK: 'yes' }) }),
    );
  });

  test('a group that exceeds the SSM limit is refused', async () => {
    const long = { ...REQUIRED, KUBERNETES_TOKEN: 'x'.repeat(8192) };
    await expect(describeSystem('dev', long)).rejects.toThrow(/secrets of delivery have \d+ bytes/);
  });

  test('a deployment without an admin token or an audit key, or with a short token, is refused', async () => {
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
    const code = ['assembly', 'domain', 'features', 'functions', 'integrations', 'schemas', 'stores']
      .flatMap(sources)
      .join('\n');
    const read = code.matchAll(/secrets\.get\('([A-Z_]+)'\)|\bsecret: '([A-Z_]+)'/g);
    const names = new Set([...read].map(([, got, named]) => got ?? named ?? ''));
    for (const [, token] of code.matchAll(/'([A-Z]+_TOKEN)'/g)) names.add(token ?? '');
    names.delete('AWS_TARGETS_URL'); // only for a sandbox
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

/** Returns the text of every file in a folder of the product. */
function sources(folder: string): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts') && !/(^|\/)test\//.test(file))
    .map((file) => readFileSync(join(ROOT, folder, file), 'utf8'));
}

describe('the site of the snapshot', () => {
  type Result = { uri?: string; statusCode?: number; headers?: { location: { value: string } } };

  const requested = (uri: string): Result => {
    const { code } = production.one('aws.cloudfront.Function', 'StatusSiteRequest').args;
    return runInNewContext(`${String(code)}; handler(${JSON.stringify({ request: { uri } })})`) as Result;
  };

  test.each([
    ['/', '/index.html'],
    ['/partners/', '/partners/index.html'],
    ['/history/2026-11', '/history/2026-11.html'],
    ['/incidents/a1b2c3', '/incidents/a1b2c3.html'],
    ['/partners/incidents/a1b2c3', '/partners/incidents/a1b2c3.html'],
    ['/partners/incidents/a1b2c3.html', '/partners/incidents/a1b2c3.html'],
    ['/api/v2/summary.json', '/api/v2/summary.json'],
    ['/status.rss', '/status.rss'],
  ])('answers %s with %s', (uri, file) => {
    expect(requested(uri)).toEqual({ uri: file });
  });

  test('redirects a page without a slash, because its links are relative', () => {
    expect(requested('/partners')).toMatchObject({ statusCode: 302, headers: { location: { value: '/partners/' } } });
    expect(requested('//evil.example')).toEqual({ uri: '//evil.example' });
  });
});
