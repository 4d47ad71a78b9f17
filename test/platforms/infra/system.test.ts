import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { parse, type ScalarTag } from 'yaml';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { readEnvironment } from '../../../functions/assembly/environment.ts';
import { FUNCTION_NAMES, FUNCTIONS, REACHING, SCHEDULED } from '../../../functions/assembly/functions.ts';
import { QUEUE, WAKE_QUEUE } from '../../../functions/assembly/resources.ts';
import { ALARM_NAMES, alarmNames, alarmRow, coveredFailures } from '../../../functions/assembly/alarm-rows.ts';
import { alarmDocument } from '../../../scripts/aws-docs.ts';
import { copyFolder, FUNCTION_GRANTS, SETTABLE } from '../../../functions/assembly/secret-groups.ts';
import { CHANGE_SENDERS } from '../../../vendors/change-senders.ts';
import { QUEUES } from '../../../schemas/config/queues.ts';
import { PROJECTION_TARGET_NAMES } from '../../../schemas/incidents/projection.ts';
import { type Described, describeSystem, STAGE_FILE, type System } from './platform.ts';

const ROOT = join(import.meta.dirname, '../../..');
const ADMIN = { FIREBREAK_ADMIN_TOKEN: 'an-admin-token-of-some-length' };
const AUDIT = { FIREBREAK_AUDIT_KEY: 'an-audit-key-of-some-length' };
const REQUIRED = { ...ADMIN, ...AUDIT };

let production: System;
beforeAll(async () => {
  production = await describeSystem('production', REQUIRED);
  vi.unstubAllGlobals();
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

const resourcesFor = (name: string) => readEnvironment(byName(name).environment).FIREBREAK_RESOURCES;

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

test('the description of the deployment loads no client of a vendor', async () => {
  const { metafile } = await build({
    entryPoints: [join(ROOT, 'sst.config.ts')],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.inputs).flatMap((file) => file.imports);
  const packages = imports.flatMap(({ external, path }) => (external && !path.startsWith('node:') ? [path] : []));
  expect(new Set(packages)).toEqual(new Set(['yaml', 'zod']));
});

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
    const {
      FIREBREAK_TIME_SCALE: timeScale,
      FIREBREAK_STAND_INS: standIns,
      FIREBREAK_RESOURCES: resources,
      ...read
    } = readEnvironment(environment);
    // Parsing drops unknown names and adds defaults.
    expect({ ...read, FIREBREAK_RESOURCES: JSON.stringify(resources) }).toEqual(environment);
    expect({ timeScale, standIns }).toEqual({ timeScale: 1, standIns: [] });
  });

  test('the environment names the function and the alias of the workflow', () => {
    const { workflow } = resourcesFor('route');
    expect(workflow.functionName).toBe(byName('incident-response').name);
    const { args } = production.one('aws.lambda.Alias', 'IncidentResponseAlias');
    expect(args).toMatchObject({
      name: workflow.qualifier,
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
        dlq: 'JobsDeadLetters.arn',
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
    GetQueueUrlCommand: ['sqs:GetQueueUrl'],
    ReceiveMessageCommand: ['sqs:ReceiveMessage'],
    DeleteMessageCommand: ['sqs:DeleteMessage'],
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
        `${command}: say here what it needs, and grant it in platforms/aws/infra/permissions.ts or functions/assembly/access.ts`,
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
      conditions: [
        {
          variable: 'dynamodb:LeadingKeys',
          values: ['PUBLIC#*', 'PUBLICMONTH#*', 'PUBLICOPEN', 'PUBLICCOMPONENTS'],
        },
      ],
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
    const code = ['core', 'functions', 'workflows'].flatMap(sources).join('\n');
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
    const { permissions } = byName(name);
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
    expect(resourcesFor(name).secrets.grants).toEqual(grants);
  });

  test('only functions with the same secrets share the key of their copy', () => {
    const folders = Object.values(FUNCTION_GRANTS).map((grants) => copyFolder(grants));
    const keys = Object.keys(FUNCTION_GRANTS).map((name) => resourcesFor(name).secrets.key);
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
    expect(deadLetters).toHaveLength(6 + PROJECTION_TARGET_NAMES.length);
    for (const { args } of deadLetters) {
      expect(args).toMatchObject({ transform: { queue: { messageRetentionSeconds: 14 * 24 * 3600 } } });
    }
    expect(queue('JobsDeadLetters')['fifo']).toBe(false);
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
  type Metric = { metricName: string; dimensions: Record<string, string>; period: number };
  type AlarmArgs = Metric & {
    name: string;
    alarmDescription: string;
    threshold: number;
    alarmActions?: string[];
    okActions?: string[];
    metricQueries?: { id: string; expression?: string; returnData?: boolean; metric?: Metric }[];
  };

  const alarms = () => production.of('aws.cloudwatch.MetricAlarm').map(({ args }) => args as AlarmArgs);
  const composite = () => production.one('aws.cloudwatch.CompositeAlarm', 'Alarm-intake-broken').args;
  const metricsOf = (alarm: AlarmArgs): Metric[] =>
    alarm.metricQueries?.flatMap(({ metric }) => (metric === undefined ? [] : [metric])) ?? [alarm];
  const alarmOn = (dimension: string, value: string, metricName: string): AlarmArgs | undefined =>
    alarms().find((alarm) =>
      metricsOf(alarm).some((one) => one.metricName === metricName && one.dimensions[dimension] === value),
    );
  const named = (name: string): AlarmArgs | undefined =>
    alarms().find((one) => one.name === `firebreak-production-${name}`);

  test('are at most 20, one for each row, with the composite one', () => {
    expect(alarms().map(({ name }) => name)).toEqual(ALARM_NAMES.map((name) => `firebreak-production-${name}`));
    expect(alarms().length + production.of('aws.cloudwatch.CompositeAlarm').length).toBeLessThanOrEqual(20);
  });

  /** Failures that had an alarm of their own when each function and queue had several. */
  const KINDS: Record<string, string[]> = {
    'dead-letters': [...QUEUES, 'workflow', 'sweep', 'evaluate', 'digest', 'snapshot', 'aws-changes'],
    age: [...QUEUES],
    errors: FUNCTION_NAMES.filter((name) => name !== 'incident-response'),
    throttles: FUNCTION_NAMES.map((name) => (name === 'incident-response' ? 'workflow' : name)),
    silent: ['sweep', 'evaluate', 'digest', 'snapshot'],
    dropped: ['sweep', 'evaluate', 'digest', 'snapshot', 'workflow'],
    'dead-letters-lost': ['sweep', 'evaluate', 'digest', 'snapshot', 'workflow'],
    recursion: ['inbound', 'route', 'project', 'workflow'],
    runaway: ['project', 'workflow'],
    failed: ['workflow'],
    'timed-out': ['workflow'],
    quota: ['workflow'],
    'reads-throttled': ['table', 'index'],
    'writes-throttled': ['table', 'index'],
    '5xx': ['http'],
  };

  test.each(Object.entries(KINDS))(
    '%s of each function, queue, and table are covered, as the docs say',
    (kind, all) => {
      const covered = coveredFailures('standard');
      const page = readFileSync(join(ROOT, 'docs/how-to/aws.md'), 'utf8');
      const rows = page.split('\n').filter((line) => line.startsWith('| `'));
      for (const one of all) {
        expect(covered).toContain(`${one}-${kind}`);
        // The cell has groups such as: errors, throttles of `http`, `slack`.
        const groups = rows.flatMap((row) => row.split(' | ').at(-1)?.split('; ') ?? []);
        const isNamed = groups.some((group) => {
          const [kinds = '', of = ''] = group.split(' of ');
          return kinds.split(', ').includes(kind) && of.includes(`\`${one}\``);
        });
        expect(isNamed, `${kind} of ${one}`).toBe(true);
      }
    },
  );

  test('a small stage does without these', () => {
    const small = new Set(coveredFailures('small'));
    const jobs = ['sweep', 'evaluate', 'digest', 'snapshot'];
    const without = [
      'snapshot-silent', // readers see that the pages are old
      'project-runaway', // its queue calls it twice at a time, and there is a budget
      ...['table', 'index'].flatMap((part) => [`${part}-reads-throttled`, `${part}-writes-throttled`]),
      ...jobs.map((name) => `${name}-dead-letters-lost`),
    ];
    expect(
      coveredFailures('standard')
        .filter((one) => !small.has(one))
        .toSorted(),
    ).toEqual(without.toSorted());
  });

  test('the table in docs/how-to/aws.md is generated: npm run docs:aws', () => {
    const { before, after } = alarmDocument();
    expect(before).toBe(after);
  });

  test('all notify a topic, or are a part of the composite alarm, which does', () => {
    const topics = { critical: 'AlarmsCritical.arn', warning: 'AlarmsWarning.arn', info: 'AlarmsInfo.arn' };
    for (const name of ALARM_NAMES) {
      const alarm = named(name);
      const { severity, isIntake } = alarmRow(name);
      const topic = topics[severity];
      if (isIntake) expect(alarm).not.toHaveProperty('alarmActions');
      else expect(alarm).toMatchObject({ alarmActions: [topic], okActions: [topic] });
      expect(alarm?.alarmDescription).toMatch(/^\w.{20,}/);
    }
    expect(composite()).toMatchObject({ alarmActions: [topics.critical], okActions: [topics.critical] });
  });

  test('the intake is broken if alerts are refused, late, or lost', () => {
    expect(composite()).toMatchObject({
      alarmName: 'firebreak-production-intake-broken',
      alarmRule:
        'ALARM("Alarm-http-5xx.name") OR ALARM("Alarm-urgent-late.name") OR ALARM("Alarm-urgent-dead-letters.name")',
    });
  });

  test('an alarm has at most ten metrics with the same period, and one expression that it watches', () => {
    for (const alarm of alarms()) {
      const metrics = metricsOf(alarm);
      expect(metrics.length).toBeGreaterThan(0);
      expect(metrics.length).toBeLessThanOrEqual(10); // the limit of CloudWatch
      expect(new Set(metrics.map(({ period }) => period)).size).toBe(1);
      const watched = alarm.metricQueries?.filter(({ returnData }) => returnData) ?? [];
      expect(watched).toHaveLength(alarm.metricQueries === undefined ? 0 : 1);
    }
  });

  test('every dead-letter queue has an alarm on new messages, also on those that SQS does not count as sent', () => {
    const queues = production.of('sst.aws.Queue');
    const moved = new Set(queues.map(({ args }) => (args['dlq'] as { queue: string } | undefined)?.queue));
    const deadLetters = queues.filter(({ name }) => name.endsWith('DeadLetters'));
    for (const { name } of deadLetters) {
      const isMoved = moved.has(`${name}.arn`);
      const metric = isMoved ? 'ApproximateNumberOfMessagesVisible' : 'NumberOfMessagesSent';
      const alarm = alarmOn('QueueName', `${name}.nodes.queue.name`, metric);
      const expressions = alarm?.metricQueries?.flatMap(({ expression }) => expression ?? []);
      expect({ name, threshold: alarm?.threshold, expressions }).toEqual({
        name,
        threshold: 0,
        expressions: [isMoved ? 'MAX(DIFF(FILL(METRICS(), 0)))' : 'SUM(FILL(METRICS(), 0))'],
      });
    }
    expect(deadLetters).toHaveLength(6 + PROJECTION_TARGET_NAMES.length);
  });

  test.each([
    ['a response had a 5xx status', 'ApiId', 'Api.nodes.api.id', '5xx'],
    ['an urgent signal waits', 'QueueName', 'Urgent.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ['a signal waits', 'QueueName', 'Ordinary.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ['an unmatched signal waits', 'QueueName', 'Unmatched.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ['an action of a person waits', 'QueueName', 'People.nodes.queue.name', 'ApproximateAgeOfOldestMessage'],
    ...PROJECTION_TARGET_NAMES.map((target) => [
      `the projector for ${target} is late`,
      'QueueName',
      `${queueOf(target)}.nodes.queue.name`,
      'ApproximateAgeOfOldestMessage',
    ]),
    ['the workflow is throttled', 'FunctionName', 'IncidentResponse.name', 'Throttles'],
    // Lambda sends one for executions that failed or timed out.
    [
      'a workflow has a dead letter',
      'QueueName',
      'IncidentResponseDeadLetters.nodes.queue.name',
      'NumberOfMessagesSent',
    ],
    ['a dead letter of the workflow is lost', 'FunctionName', 'IncidentResponse.name', 'DeadLetterErrors'],
    ['the workflow invokes itself endlessly', 'FunctionName', 'IncidentResponse.name', 'Invocations'],
    ['the projector invokes itself endlessly', 'FunctionName', 'Project.name', 'Invocations'],
    ...['Sweep', 'Evaluate', 'Digest', 'Snapshot'].map((one) => [
      `a dead letter of ${one} is lost`,
      'FunctionName',
      `${one}.name`,
      'DeadLetterErrors',
    ]),
    ['reads of the table are throttled', 'TableName', 'Table.name', 'ReadThrottleEvents'],
    ['writes of the table are throttled', 'TableName', 'Table.name', 'WriteThrottleEvents'],
    ['reads of the index are throttled', 'GlobalSecondaryIndexName', 'list', 'ReadThrottleEvents'],
    ['writes of the index are throttled', 'GlobalSecondaryIndexName', 'list', 'WriteThrottleEvents'],
  ])('an alarm goes off when %s', (_when, dimension, value, metric) => {
    expect(alarmOn(dimension, value, metric)).toBeDefined();
  });

  test('a delay that a projector requested does not count as late', () => {
    expect(named('projectors-late')?.threshold).toBeGreaterThan(900); // the longest delay that SQS supports
  });

  test.each(['sweep', 'evaluate', 'digest', 'snapshot'])('a %s that is not called triggers an alarm', (one) => {
    expect(named(`${one}-silent`)).toMatchObject({
      metricName: 'Invocations',
      comparisonOperator: 'LessThanThreshold',
      treatMissingData: 'breaching',
    });
  });

  test('the dashboard shows all alarms, from the most urgent one', () => {
    const { dashboardBody } = production.one('aws.cloudwatch.Dashboard', 'Dashboard').args;
    const { widgets } = JSON.parse(String(dashboardBody)) as {
      widgets: { properties: { alarms?: string[]; annotations?: { alarms: string[] } } }[];
    };
    const [states, ...graphs] = widgets.map(({ properties }) => properties.alarms ?? properties.annotations?.alarms);
    expect(states).toEqual(graphs.flat());
    expect(states?.toSorted()).toEqual(ALARM_NAMES.map((name) => `Alarm-${name}.arn`).toSorted());
    expect(states?.at(-1)).toBe('Alarm-table-throttled.arn');
  });

  test('the budget has the amount of the stage, and may notify the topic of warnings', async () => {
    const { one } = await describeSystem('production', REQUIRED, { ...STAGE_FILE, monthlyBudgetUsd: 12.5 });
    expect(one('aws.budgets.Budget', 'Budget').args).toMatchObject({
      limitAmount: '12.5',
      limitUnit: 'USD',
      timeUnit: 'MONTHLY',
      notifications: [
        { notificationType: 'ACTUAL', threshold: 100, subscriberSnsTopicArns: ['AlarmsWarning.arn'] },
        { notificationType: 'FORECASTED', threshold: 120, subscriberSnsTopicArns: ['AlarmsWarning.arn'] },
      ],
    });
    const { arn, policy } = one('aws.sns.TopicPolicy', 'AlarmsWarningPolicy').args;
    expect(arn).toBe('AlarmsWarning.arn');
    const { Statement } = JSON.parse(String(policy)) as { Statement: { Principal: { Service: string } }[] };
    // A topic with a policy of its own does not let alarms in unless this says so.
    expect(Statement.map(({ Principal }) => Principal.Service)).toEqual([
      'cloudwatch.amazonaws.com',
      'budgets.amazonaws.com',
    ]);
  });

  test('each severity notifies its receivers, or those of the next more urgent one', async () => {
    const critical = ['on-call@example.test', 'https://alarms.example.test/'];
    const { of } = await describeSystem('production', REQUIRED, {
      ...STAGE_FILE,
      alarms: { critical, warning: ['sre@example.test'] },
    });
    const subscribed = of('aws.sns.TopicSubscription').map(({ args }) => args);
    expect(subscribed).toEqual([
      { topic: 'AlarmsCritical.arn', protocol: 'email', endpoint: 'on-call@example.test' },
      { topic: 'AlarmsCritical.arn', protocol: 'https', endpoint: 'https://alarms.example.test/' },
      { topic: 'AlarmsWarning.arn', protocol: 'email', endpoint: 'sre@example.test' },
      { topic: 'AlarmsInfo.arn', protocol: 'email', endpoint: 'sre@example.test' },
    ]);
  });
});

describe('a small stage', () => {
  let small: System;
  beforeAll(async () => {
    small = await describeSystem('try-out', REQUIRED);
    vi.unstubAllGlobals();
  });

  test('is what a stage without a size is', async () => {
    const { size: _size, ...file } = STAGE_FILE;
    const { all } = await describeSystem('try-out', REQUIRED, { ...file, alarms: {} });
    expect(all).toEqual(small.all);
  });

  test('reserves no concurrency, which a new account refuses, and traces nothing by itself', () => {
    for (const { args } of functionsOf(small)) {
      expect(args).not.toHaveProperty('concurrency');
      expect(args['policies']).toEqual([]);
      expect(JSON.stringify(args['transform'])).toContain('"tracingConfig":{"mode":"PassThrough"}');
    }
  });

  test('has four queues, each read twice at a time by the function that reads it in other stages', () => {
    const calls = ['Urgent', 'Ordinary', 'People', 'Projections'].map((name) => {
      const { given } = small.one(`${name}.subscribe`, '').args;
      return (given as [string, object])[0];
    });
    expect(calls).toEqual(['Route.arn', 'Route.arn', 'Inbound.arn', 'Project.arn']);
    expect(small.all.filter(({ type }) => type.endsWith('.subscribe'))).toHaveLength(4);
    for (const { args } of small.all.filter(({ type }) => type.endsWith('.subscribe')))
      expect(args['given']).toMatchObject([
        expect.any(String),
        { transform: { eventSourceMapping: { scalingConfig: { maximumConcurrency: 2 } } } },
      ]);
  });

  test('hands the shared queues over under all names, and functions may use them', () => {
    for (const { args } of functionsOf(small)) {
      const { queues } = readEnvironment(args['environment'] as Record<string, string>).FIREBREAK_RESOURCES;
      for (const target of PROJECTION_TARGET_NAMES) expect(queues[target]).toBe('https://deployed.test/Projections');
      expect(queues.unmatched).toBe(queues.ordinary);
      expect(queues.ordinary).not.toBe(queues.urgent);
    }
    const route = functionsOf(small).find(({ name }) => name === 'Route');
    const sent = argsOf(route as Described).permissions.filter(({ actions }) => actions.includes('sqs:SendMessage'));
    expect(sent.map(({ resources }) => resources)).toEqual([['Projections.arn']]);
  });

  test('writes the snapshot only when it changes: features/status-page reads this event', () => {
    expect(small.one('sst.aws.CronV2', 'Schedule-snapshot').args).toMatchObject({ event: { onChange: true } });
    expect(production.one('sst.aws.CronV2', 'Schedule-snapshot').args).not.toHaveProperty('event');
  });

  test('has fewer alarms, with a smaller budget', () => {
    const names = small.of('aws.cloudwatch.MetricAlarm').map(({ args }) => args['name']);
    expect(names).toEqual(alarmNames('small').map((name) => `firebreak-try-out-${name}`));
    expect(small.one('aws.budgets.Budget', 'Budget').args).toMatchObject({ limitAmount: '10' });
    expect(production.one('aws.budgets.Budget', 'Budget').args).toMatchObject({ limitAmount: '50' });
  });

  test('costs at most five dollars in an idle month, as the table in docs/how-to/aws.md says', () => {
    const page = readFileSync(join(ROOT, 'docs/how-to/aws.md'), 'utf8');
    const [, sum = ''] = /^\| together \| \$([\d.]+) \|/m.exec(page) ?? [];
    expect(Number(sum)).toBeGreaterThan(0);
    expect(Number(sum)).toBeLessThanOrEqual(5);
  });
});

describe('the file of a stage', () => {
  const refused = async (stage: string, file: object, problem: string): Promise<void> => {
    await expect(describeSystem(stage, REQUIRED, file)).rejects.toThrow(problem);
  };

  test('binds the deployment to its account and Region, and tags all resources', async () => {
    const { app } = await describeSystem('production', REQUIRED, { ...STAGE_FILE, tags: { team: 'sre' } });
    expect(app).toMatchObject({
      removal: 'retain',
      protect: true,
      providers: {
        aws: { region: 'eu-central-1', allowedAccountIds: ['123456789012'], defaultTags: { tags: { team: 'sre' } } },
      },
    });
  });

  test('is required for production, and has a receiver of critical alarms there', async () => {
    await expect(describeSystem('production', REQUIRED, null)).rejects.toThrow('write deploy/stages/production.yaml');
    const { alarms: _alarms, ...silent } = STAGE_FILE;
    await refused('production', silent, 'alarms.critical has no receiver');
    await refused('production', { ...silent, alarms: { critical: [] } }, 'alarms.critical has no receiver');
    await describeSystem('dev', REQUIRED, silent);
  });

  test.each<[string, object, string]>([
    ['an unknown key', { alarmEmail: 'sre@example.test' }, 'unknown key "alarmEmail"'],
    ['an account that is a number', { account: 123456789012 }, 'account: must be text'],
    ['a Region that does not exist', { region: 'Frankfurt' }, 'must be a Region'],
    ['an address that nobody can be notified at', { alarms: { critical: ['sre'] } }, 'alarms.critical'],
    ['a severity that does not exist', { alarms: { fatal: ['sre@example.test'] } }, 'alarms'],
    ['a target that is no ARN', { targets: { roles: ['firebreak-checkout'] } }, 'roles contains "firebreak-checkout"'],
  ])('with %s is refused', async (_what, file, problem) => {
    await refused('dev', { ...STAGE_FILE, ...file }, problem);
  });

  test.each(['FIREBREAK_ALARM_EMAIL', 'FIREBREAK_STATUS_DOMAIN', 'FIREBREAK_AWS_CHANGES', 'FIREBREAK_PUBLIC_URL'])(
    'replaces %s of the shell, which is refused',
    async (name) => {
      vi.stubEnv(name, 'on');
      await refused('dev', STAGE_FILE, `${name} is not read any longer`);
    },
  );

  test('sets the public address, the domain of the status pages, and how long logs are kept', async () => {
    const file = { ...STAGE_FILE, publicUrl: 'https://fb.example.test', statusDomain: 'status.example.test' };
    const system = await describeSystem('dev', REQUIRED, { ...file, logRetention: '1 year' });
    expect(system.one('sst.aws.Cdn', 'StatusCdn').args).toMatchObject({ domain: 'status.example.test' });
    for (const { args } of functionsOf(system))
      expect(args).toMatchObject({
        environment: { FIREBREAK_PUBLIC_URL: 'https://fb.example.test' },
        logging: { retention: '1 year' },
      });
  });

  test('the example is valid, and lists what production needs', async () => {
    const example = parse(readFileSync(join(ROOT, 'deploy/stages/example.yaml'), 'utf8')) as object;
    expect((await describeSystem('production', REQUIRED, example)).of('aws.sns.TopicSubscription')).toHaveLength(3);
  });
});

describe('the VPC of a stage', () => {
  const vpc = { subnetIds: ['subnet-0a1b2c3d', 'subnet-4e5f6a7b'], securityGroupIds: ['sg-0a1b2c3d'] };

  test('has exactly the functions that query metrics or roll back', async () => {
    const system = await describeSystem('dev', REQUIRED, { ...STAGE_FILE, vpc });
    const inside = functionsOf(system).filter(({ args }) => 'vpc' in args);
    expect(inside.map((one) => argsOf(one).name).toSorted()).toEqual(
      REACHING.map((name) => `firebreak-dev-${name}`).toSorted(),
    );
    for (const { args } of inside)
      expect(args['vpc']).toEqual({ privateSubnets: vpc.subnetIds, securityGroups: vpc.securityGroupIds });
    for (const { args } of functionsOf(production)) expect(args).not.toHaveProperty('vpc');
  });

  test.each([
    ['no subnet', { ...vpc, subnetIds: [] }, 'subnetIds'],
    ['no security group', { subnetIds: vpc.subnetIds }, 'securityGroupIds'],
    ['a VPC instead of a subnet', { ...vpc, subnetIds: ['vpc-0a1b2c3d'] }, 'must be a subnet'],
    ['a name instead of a security group', { ...vpc, securityGroupIds: ['default'] }, 'must be a security group'],
  ])('with %s is refused', async (_what, file, problem) => {
    await expect(describeSystem('dev', REQUIRED, { ...STAGE_FILE, vpc: file })).rejects.toThrow(problem);
  });
});

describe('changes in AWS', () => {
  const TOKEN = { FIREBREAK_EVENTBRIDGE_TOKEN: 'fb_token' };
  const WITH_CHANGES = { ...STAGE_FILE, awsChanges: true };

  test('are reported only if the deployment asks for it', async () => {
    expect(production.of('aws.cloudwatch.EventRule')).toEqual([]);
    await expect(describeSystem('dev', REQUIRED, WITH_CHANGES)).rejects.toThrow(
      'Set a value for FIREBREAK_EVENTBRIDGE_TOKEN',
    );
  });

  test('reach the webhook with its token, and those that cannot be delivered raise an alarm', async () => {
    const { of, one } = await describeSystem('dev', { ...REQUIRED, ...TOKEN }, WITH_CHANGES);
    const sender = CHANGE_SENDERS.find(({ source }) => source === 'aws');
    expect(one('aws.cloudwatch.EventApiDestination', 'AwsChangesDestination').args).toMatchObject({
      connectionArn: 'AwsChangesConnection.arn',
      httpMethod: 'POST',
      invocationEndpoint: `https://deployed.test/Api${sender?.path}`,
    });
    expect(sender).toBeDefined();
    expect(sender?.signature).toBeUndefined();
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
    expect(JSON.stringify(one('aws.cloudwatch.MetricAlarm', 'Alarm-dead-letters').args)).toContain(
      'AwsChangesDeadLetters.nodes.queue.name',
    );
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
    const { of } = await describeSystem('dev', { ...REQUIRED, ...TOKEN }, WITH_CHANGES);
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
    for (const environment of environments)
      expect(environment['FIREBREAK_RESOURCES']).toContain('"path":"/firebreak/dev"');
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
    const code = ['core', 'features', 'functions', 'schemas', 'vendors'].flatMap(sources).join('\n');
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
