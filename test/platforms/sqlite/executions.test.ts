import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { expect, test } from 'vitest';
import { BackgroundPlatform } from '../../../platforms/sqlite/background.ts';
import { Database } from '../../../platforms/sqlite/database.ts';
import { ExecutionRequests } from '../../../platforms/sqlite/execution-requests.ts';
import { DatabaseDamaged } from '../../../platforms/sqlite/errors.ts';
import { SqliteExecutions } from '../../../platforms/sqlite/executions.ts';
import { SqlitePlatform } from '../../../platforms/sqlite/platform.ts';
import { until } from '../../support/clock.ts';
import { damage } from '../../support/damage.ts';
import { executionsConformance, type OpenExecutions, type Workflow } from '../executions-conformance.ts';
import { executionsOn } from './executions-on.ts';

/** Opens executions over a database, which `reopened` opens again after a crash. */
async function open(
  workflow: Workflow,
  database: Database,
  reopened: () => Promise<Database>,
  remove: () => Promise<void>,
): Promise<OpenExecutions & { now: () => number }> {
  const databases = [database];
  let now = Date.now();
  const over = (it: Database): SqliteExecutions => executionsOn(it, workflow, { now: () => now });
  let current = over(database);
  return {
    now: () => now,
    executions: {
      start: (name, input) => current.start(name, input),
      status: (execution) => current.status(execution),
      completeCallback: (callback) => current.completeCallback(callback),
    },
    pass: async (seconds) => {
      now += seconds * 1000;
      await current.settle();
      await current.prune();
    },
    crash: async () => {
      const next = await reopened();
      databases.push(next);
      current = over(next);
      await current.recover();
    },
    close: async () => {
      await current.close();
      await Promise.all([...new Set(databases)].map((each) => each.close()));
      await remove();
    },
  };
}

executionsConformance('SQLite in a file', async (workflow) => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-executions-'));
  const file = join(folder, 'firebreak.sqlite');
  return open(
    workflow,
    await Database.open(file),
    () => Database.open(file),
    () => rm(folder, { recursive: true }),
  );
});

executionsConformance('SQLite in a file, requested by another thread', async (workflow) => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-executions-'));
  const file = join(folder, 'firebreak.sqlite');
  const database = await Database.open(file);
  const running = await open(
    workflow,
    await Database.join(file, database.share()),
    () => Database.join(file, database.share()),
    async () => {
      await database.close();
      await rm(folder, { recursive: true });
    },
  );
  const executions = new ExecutionRequests({
    database,
    timeScale: 1,
    executionTimeoutSeconds: 14 * 86_400,
    log: () => undefined,
    now: running.now,
  });
  return { ...running, executions };
});

const HOURS_MS = 2 * 3_600_000;

test('after a restart with the clock set back, waits, pauses, and timeouts last at most as long as their own length', async () => {
  const database = Database.inMemory();
  let now = Date.now();
  let attempts = 0;
  const workflow: Workflow = async (_, context) => {
    await context.step(
      'fails-once',
      async () => {
        attempts += 1;
        if (attempts === 1) throw new Error('not yet');
      },
      { retryStrategy: () => ({ shouldRetry: true, delay: { seconds: 60 } }) },
    );
    await context.wait('settle', { seconds: 60 });
    const [answer] = await context.createCallback('approval', { timeout: { seconds: 60 } });
    await answer.catch(() => undefined);
  };
  let current = executionsOn(database, workflow, { now: () => now });
  const setBack = async (): Promise<void> => {
    await current.close();
    now -= HOURS_MS;
    current = executionsOn(database, workflow, { now: () => now });
    await current.recover();
  };
  const pass = async (seconds: number): Promise<void> => {
    now += seconds * 1000;
    await current.settle();
  };
  await current.start('restarted', {});
  await current.settle();
  // The pause before the second attempt, the wait, and the time for the callback.
  for (let each = 0; each < 3; each += 1) {
    await setBack();
    await pass(30);
    expect(await current.status('restarted')).toBe('running');
    await pass(31);
  }
  expect(attempts).toBe(2);
  expect(await current.status('restarted')).toBe('succeeded');
  await current.close();
  await database.close();
});

test('a wait ends in time when the clock is set back meanwhile', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-executions-'));
  const settings = {
    dataFolder: folder,
    publicFolder: join(folder, 'status'),
    secret: () => undefined,
    timeScale: 1000,
    onError: (error: unknown) => expect.unreachable(String(error)),
    onDamage: (error: unknown) => expect.unreachable(String(error)),
    queues: {},
  };
  const executions = { executionTimeoutSeconds: 3_600_000, log: () => undefined };
  const front = await SqlitePlatform.open({ ...settings, executions });
  const realNow = Date.now;
  const back = await BackgroundPlatform.join(
    {
      ...settings,
      deadLetterDays: 1,
      executions: {
        ...executions,
        retentionDays: 1,
        maxConcurrent: 1,
        handler: (durableExecutionClient, plugin) =>
          withDurableExecution(
            async (_: unknown, context: DurableContext) => context.wait('settle', { seconds: 300 }),
            {
              durableExecutionClient,
              plugins: [plugin],
            },
          ),
      },
    },
    front.share(),
  );
  const stop = await back.run({ consumers: {}, jobs: [] });
  const reading = await Database.join(join(folder, 'firebreak.sqlite'), front.share());
  try {
    await front.executions.start('settling', {});
    await until(async () => reading.sql.get('SELECT 1 FROM operations') !== undefined);
    Date.now = () => realNow() - HOURS_MS;
    await until(async () => (await front.executions.status('settling')) === 'succeeded');
  } finally {
    Date.now = realNow;
  }
  await stop();
  await reading.close();
  await back.close();
  await front.close();
  await rm(folder, { recursive: true });
});

test('what another thread requests is done at once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-executions-'));
  const settings = {
    dataFolder: folder,
    publicFolder: join(folder, 'status'),
    secret: () => undefined,
    timeScale: 1,
    onError: (error: unknown) => expect.unreachable(String(error)),
    onDamage: (error: unknown) => expect.unreachable(String(error)),
  };
  const log = () => undefined;
  const executions = { executionTimeoutSeconds: 3600, log };
  const front = await SqlitePlatform.open({ ...settings, executions, queues: { work: { ordered: false } } });
  const asked = Promise.withResolvers<string>();
  const back = await BackgroundPlatform.join(
    {
      ...settings,
      queues: { work: { ordered: false, batchSize: 1, concurrency: 1, maxDeliveries: 1, timeoutMs: 60_000 } },
      deadLetterDays: 1,
      executions: {
        ...executions,
        retentionDays: 1,
        maxConcurrent: 1,
        handler: (durableExecutionClient, plugin) =>
          withDurableExecution(
            async (_: unknown, context: DurableContext) =>
              context.waitForCallback('approval', async (callback) => asked.resolve(callback)),
            { durableExecutionClient, plugins: [plugin] },
          ),
      },
    },
    front.share(),
  );
  const delivered = Promise.withResolvers<string>();
  const stop = await back.run({
    consumers: {
      work: async ({ messages }) => {
        delivered.resolve(messages[0]?.body ?? '');
        return [];
      },
    },
    jobs: [],
  });
  await front.queues.send('work', [{ body: 'one' }]);
  expect(await delivered.promise).toBe('one');
  await until(async () => (await front.queues.counts('work')).inFlight === 0);
  await front.executions.start('approved', {});
  await front.executions.completeCallback(await asked.promise);
  await until(async () => (await front.executions.status('approved')) === 'succeeded');
  await stop();
  await back.close();
  await front.close();
  await rm(folder, { recursive: true });
});

test('after a damaged file, executions continue as soon as they can, whatever fails meanwhile', async () => {
  const failures = [new DatabaseDamaged('the page is damaged', 11), new Error('database is locked')];
  const logged: string[] = [];
  let hasRecovered = false;
  const database = {
    sql: { get: () => undefined, all: () => [] },
    clock: { now: () => Date.now() },
    write: (name: string) => {
      if (name !== 'executions.recover') return Promise.resolve(0);
      const failure = failures.shift();
      hasRecovered = failure === undefined;
      return failure === undefined ? Promise.resolve(0) : Promise.reject(failure);
    },
  };
  const executions = new SqliteExecutions({
    database: database as never,
    timeScale: 1,
    retentionDays: 1,
    maxConcurrent: 1,
    executionTimeoutSeconds: 3600,
    handler: () => () => expect.unreachable(),
    log: (entry) => logged.push(JSON.stringify(entry)),
  });
  await executions.resume();
  await until(() => hasRecovered);
  expect(logged).toEqual([expect.stringContaining('is damaged'), expect.stringContaining('is locked')]);
  await executions.close();
});

test.each<[name: string, meets: (front: SqlitePlatform) => Promise<unknown>]>([
  ['executions', ({ executions }) => executions.start('one', {})],
  ['messages', ({ queues }) => queues.send('work', [{ body: 'a message' }])],
])('damage of %s that the first thread meets is reported by it', async (name, meets) => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-executions-'));
  const file = join(folder, 'firebreak.sqlite');
  await (await Database.open(file)).close();
  await damage(file, name);
  const settings = {
    dataFolder: folder,
    publicFolder: join(folder, 'status'),
    secret: () => undefined,
    timeScale: 1,
    queues: { work: { ordered: false } },
    executions: { executionTimeoutSeconds: 3600, log: () => undefined },
    onError: (error: unknown) => expect.unreachable(String(error)),
  };
  const found: string[] = [];
  const front = await SqlitePlatform.open(settings, (error) => found.push(String(error)));
  await expect(meets(front)).rejects.toThrow('damaged');
  expect(found[0]).toContain('the database is damaged');
  await front.close();
  await rm(folder, { recursive: true });
});

test.each(['executions', 'executions_by_end', 'operations_by_due', 'messages'])(
  'damage of %s is reported, and the background thread goes on',
  async (name) => {
    const folder = await mkdtemp(join(tmpdir(), 'firebreak-executions-'));
    const file = join(folder, 'firebreak.sqlite');
    await (await Database.open(file)).close();
    await damage(file, name);
    const executions = { executionTimeoutSeconds: 3600, log: () => undefined };
    const settings = {
      dataFolder: folder,
      publicFolder: join(folder, 'status'),
      secret: () => undefined,
      timeScale: 1,
      executions,
      onError: (error: unknown) => expect(String(error)).toContain('the database is damaged'),
    };
    const front = await SqlitePlatform.open({ ...settings, queues: { work: { ordered: false } } });
    const found: string[] = [];
    const back = await BackgroundPlatform.join(
      {
        ...settings,
        queues: { work: { ordered: false, batchSize: 1, concurrency: 1, maxDeliveries: 1, timeoutMs: 60_000 } },
        deadLetterDays: 1,
        onDamage: (error) => found.push(String(error)),
        executions: {
          ...executions,
          retentionDays: 1,
          maxConcurrent: 1,
          handler: () => () => expect.unreachable(),
        },
      },
      front.share(),
    );
    const stop = await back.run({ consumers: { work: () => expect.unreachable() }, jobs: [] });
    await until(() => found.length > 0);
    expect(found[0]).toMatch(/^DatabaseDamaged: the database is damaged .*: restore a backup/);
    await stop();
    await back.close();
    await front.close();
    await rm(folder, { recursive: true });
  },
);
