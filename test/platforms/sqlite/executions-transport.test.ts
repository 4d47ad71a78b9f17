import {
  type CheckpointDurableExecutionRequest,
  type DurableContext,
  type DurableExecutionClient,
  type DurableExecutionInvocationInput,
  DurableExecutionClientErrorScope,
  type DurableInstrumentationPlugin,
  type DurableLambdaHandler,
  InvocationStatus,
  type StepConfig,
  StepSemantics,
  withDurableExecution,
} from '@aws/durable-execution-sdk-js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EXECUTION_LIMITS } from '../../../platforms/limits.ts';
import { Database, NotCommitted } from '../../../platforms/sqlite/database.ts';
import type { Update } from '../../../platforms/sqlite/operations.ts';
import { durableRun } from '../../../workflows/run.ts';
import { silent } from '../../support/fake-deps.ts';
import { executionsOn } from './executions-on.ts';

let database: Database;
let now: number;
beforeEach(() => {
  database = Database.inMemory();
  now = Date.now();
});
afterEach(() => database.close());

const clock = { now: () => now };
const unused = async (): Promise<undefined> => undefined;

/** A promise that the test resolves. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Waits in turns of the event loop, so that no timer passes. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

/** Counts the commits of one transaction. */
function counted(name: string): () => number {
  let commits = 0;
  const write = database.write.bind(database);
  database.write = (transaction, args) => {
    if (transaction === name) commits += 1;
    return write(transaction, args);
  };
  return () => commits;
}

const statuses = (): unknown[] =>
  database.sql
    .all('SELECT operation FROM operations ORDER BY rowid')
    .map((row) => JSON.parse(String(row['operation'])) as { Name: string; Status: string })
    .map(({ Name, Status }) => `${Name} ${Status}`);

/** Options with a handler that the test writes itself. */
const handledBy = (
  handler: (event: DurableExecutionInvocationInput, client: DurableExecutionClient) => ReturnType<DurableLambdaHandler>,
) => ({
  ...clock,
  handler:
    (client: DurableExecutionClient): DurableLambdaHandler =>
    (event) =>
      handler(event, client),
});

const SUCCEEDED = { Status: InvocationStatus.SUCCEEDED, Result: 'null' } as const;

describe('a step that runs', () => {
  test('does not delay a callback of another branch: the handler gets it at once, and without asking', async () => {
    const requests: CheckpointDurableExecutionRequest[] = [];
    const [running, seen, end] = [gate(), gate(), gate()];
    let callback = '';
    const workflow = async (_input: unknown, context: DurableContext): Promise<void> => {
      const [completed, id] = await context.createCallback('approval');
      callback = id;
      const long = context.runInChildContext('branch', (child) =>
        child.step('long', async () => {
          running.open();
          await end.opened;
        }),
      );
      await completed;
      await context.step('next', async () => seen.open());
      await long;
    };
    const executions = executionsOn(database, unused, {
      ...clock,
      handler: (client: DurableExecutionClient, plugin: DurableInstrumentationPlugin) =>
        withDurableExecution(workflow, {
          durableExecutionClient: {
            ...client,
            checkpoint: (request) => {
              requests.push(request);
              return client.checkpoint(request);
            },
          },
          plugins: [plugin],
        }),
    });
    await executions.start('one', {});
    const settled = executions.settle();
    await running.opened;
    await new Promise(setImmediate); // the START of the step is on its way
    await executions.completeCallback(callback);
    await seen.opened;
    expect(requests.filter(({ Updates }) => Updates?.length === 0)).toEqual([]);
    end.open();
    await settled;
    expect(await executions.status('one')).toBe('succeeded');
  });

  test('is not in the file before its result, because all steps run at least once: a crash repeats it', async () => {
    const checkpoints = counted('executions.checkpoint');
    const attempts: number[] = [];
    const running = gate();
    const workflow = (_input: object, context: DurableContext): Promise<number> =>
      context.runInChildContext('branch', (child) =>
        child.step('call', async ({ attempt }) => {
          attempts.push(attempt);
          running.open();
          if (attempts.length === 1) await new Promise(() => undefined); // the process dies here
          return 7;
        }),
      );
    const victim = executionsOn(database, workflow, clock);
    await victim.start('one', {});
    void victim.settle();
    await running.opened;
    await new Promise(setImmediate);
    expect([statuses(), checkpoints()]).toEqual([[], 0]);
    const next = executionsOn(database, workflow, clock);
    await next.recover();
    await next.settle();
    expect(attempts).toEqual([1, 1]);
    expect([statuses(), checkpoints()]).toEqual([['branch SUCCEEDED', 'call SUCCEEDED'], 2]);
    await victim.close();
  });

  test('runs at least once in all workflows, as their only step has these semantics', async () => {
    const options: (StepConfig<unknown> | undefined)[] = [];
    const context = {
      executionContext: { durableExecutionArn: 'one' },
      step: async (_name: string, work: () => Promise<unknown>, config: StepConfig<unknown>) => {
        options.push(config);
        return work();
      },
    } as unknown as DurableContext;
    await durableRun(context, silent).step('any', async () => 1);
    expect(options.map((each) => each?.semantics)).toEqual([StepSemantics.AtLeastOncePerRetry]);
  });
});

describe('an invocation', () => {
  test('that throws is repeated with growing pauses, and forgets them after a success', async () => {
    const times: number[] = [];
    let fails = true;
    const executions = executionsOn(
      database,
      unused,
      handledBy(async () => {
        times.push(now);
        if (fails) throw new Error('no memory');
        return SUCCEEDED;
      }),
    );
    await executions.start('one', {});
    for (let round = 0; round < 9; round += 1) {
      await executions.settle();
      if (round < 8) now = executions.nextDueAt();
      fails = round < 7;
    }
    const pauses = times.slice(1).map((time, n) => (time - (times[n] ?? 0)) / 1000);
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    expect(await executions.status('one')).toBe('succeeded');
  });

  describe('with simulated timers', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
    afterEach(() => void vi.useRealTimers());

    test('that hangs is given up after 15 minutes, and followed by another one', async () => {
      const remaining: number[] = [];
      const handler: DurableLambdaHandler = (_event, { getRemainingTimeInMillis }) => {
        remaining.push(getRemainingTimeInMillis());
        return remaining.length === 1 ? new Promise(() => undefined) : Promise.resolve(SUCCEEDED);
      };
      const executions = executionsOn(database, unused, { ...clock, handler: () => handler });
      await executions.start('one', {});
      const settled = executions.settle();
      await until(() => remaining.length === 1);
      vi.advanceTimersByTime(899_999);
      await new Promise(setImmediate);
      expect(executions.nextDueAt()).toBeGreaterThan(now + 1000);
      vi.advanceTimersByTime(1);
      await settled;
      now += 1000;
      await executions.settle();
      expect(await executions.status('one')).toBe('succeeded');
      expect(remaining.every((millis) => millis > 890_000)).toBe(true);
    });

    test('that hangs when the process stops is not continued by it', async () => {
      let invocations = 0;
      const handler: DurableLambdaHandler = () => {
        invocations += 1;
        return new Promise(() => undefined);
      };
      const own = Database.inMemory();
      const executions = executionsOn(own, unused, { ...clock, handler: () => handler });
      await executions.start('one', {});
      const settled = executions.settle();
      await until(() => invocations === 1);
      await executions.close();
      await own.close();
      vi.advanceTimersByTime(900_000);
      await settled;
      expect(invocations).toBe(1);
    });

    test('whose end cannot be written is not repeated; the end is written later', async () => {
      const write = database.write.bind(database);
      let refused = 0;
      database.write = async (name, args) => {
        if (name === 'executions.end' && refused < 3) {
          refused += 1;
          throw new NotCommitted({ name: 'Error', message: 'full', code: 13 });
        }
        return write(name, args);
      };
      let invocations = 0;
      const handler = async (): ReturnType<DurableLambdaHandler> => {
        invocations += 1;
        return SUCCEEDED;
      };
      const executions = executionsOn(database, unused, handledBy(handler));
      await executions.start('one', {});
      const settled = executions.settle();
      for (let time = 1; time <= 3; time += 1) {
        await until(() => refused === time && vi.getTimerCount() > 0);
        vi.advanceTimersByTime(1000);
      }
      await settled;
      expect([invocations, await executions.status('one')]).toEqual([1, 'succeeded']);
    });

    test('that cannot begin, because nothing can be written, begins later', async () => {
      const write = database.write.bind(database);
      let refused = 0;
      database.write = async (name, args) => {
        if (name === 'executions.advance' && refused < 3) {
          refused += 1;
          throw new NotCommitted({ name: 'Error', message: 'full', code: 13 });
        }
        return write(name, args);
      };
      const executions = executionsOn(
        database,
        unused,
        handledBy(async () => SUCCEEDED),
      );
      await executions.start('one', {});
      await executions.resume();
      for (let time = 1; time <= 3; time += 1) {
        await until(() => refused === time && vi.getTimerCount() > 0);
        vi.advanceTimersByTime(1000);
      }
      await until(async () => (await executions.status('one')) === 'succeeded');
      await executions.close();
    });
  });

  test('that a wrapper of the handler refuses fails the execution, which it knows by its ID', async () => {
    const ids: string[] = [];
    const executions = executionsOn(
      database,
      unused,
      handledBy(async ({ DurableExecutionArn }) => {
        ids.push(DurableExecutionArn);
        return { Status: InvocationStatus.FAILED, Error: { ErrorType: 'StalledBefore', ErrorMessage: 'stalled' } };
      }),
    );
    await executions.start('one', {});
    await executions.settle();
    expect([ids, await executions.status('one')]).toEqual([['one'], 'failed']);
  });

  test('of an execution that has timed out cannot change it any more', async () => {
    const [running, end] = [gate(), gate()];
    const workflow = (_input: object, context: DurableContext): Promise<void> =>
      context.step('long', async () => {
        running.open();
        await end.opened;
      });
    const executions = executionsOn(database, workflow, { ...clock, executionTimeoutSeconds: 60, maxConcurrent: 2 });
    await executions.start('one', {});
    const settled = executions.settle();
    await running.opened;
    now += 60_000;
    const timedOut = executions.settle();
    await expect.poll(() => executions.status('one')).toBe('failed');
    end.open();
    await Promise.all([settled, timedOut]);
    expect([statuses(), await executions.status('one')]).toEqual([[], 'failed']);
  });

  test('that suspends without having seen a change is followed by another one at once', async () => {
    const seen: unknown[] = [];
    const executions = executionsOn(
      database,
      unused,
      handledBy(async ({ DurableExecutionArn, CheckpointToken, InitialExecutionState }, client) => {
        seen.push(InitialExecutionState.Operations.map(({ Status }) => Status));
        if (seen.length > 1) return SUCCEEDED;
        const Updates: Update[] = [{ Id: 'k', Type: 'CALLBACK', Action: 'START' }];
        await client.checkpoint({ DurableExecutionArn, CheckpointToken, Updates });
        await executions.completeCallback('one.k');
        return { Status: InvocationStatus.PENDING };
      }),
    );
    await executions.start('one', {});
    await executions.settle();
    expect(seen).toEqual([['STARTED'], ['STARTED', 'SUCCEEDED']]);
  });

  test('gets the input first, and no operations inside contexts that have ended', async () => {
    const states: unknown[] = [];
    const executions = executionsOn(
      database,
      unused,
      handledBy(async ({ DurableExecutionArn, CheckpointToken, InitialExecutionState }, client) => {
        states.push(
          InitialExecutionState.Operations.map(({ Id, ExecutionDetails }) => ExecutionDetails?.InputPayload ?? Id),
        );
        if (states.length > 1) return SUCCEEDED;
        const context = (Id: string, ParentId?: string): Update => ({ Id, Type: 'CONTEXT', Action: 'START', ParentId });
        const step = (Id: string, ParentId: string): Update => ({ Id, Type: 'STEP', Action: 'SUCCEED', ParentId });
        const ends: Update = { Id: 'ends', Type: 'CONTEXT', Action: 'SUCCEED' };
        const keeps: Update = { ...ends, Id: 'keeps', ContextOptions: { ReplayChildren: true } };
        const begun = [context('ends'), context('inner', 'ends'), step('a', 'inner'), step('b', 'ends')];
        const others = [context('keeps'), step('c', 'keeps'), context('runs'), step('d', 'runs')];
        const request = { DurableExecutionArn, CheckpointToken };
        await client.checkpoint({ ...request, Updates: [...begun, ...others, ends, keeps] });
        throw new Error('no memory');
      }),
    );
    await executions.start('one', { n: 1 });
    await executions.settle();
    now += 1000;
    await executions.settle();
    expect(states).toEqual([['{"n":1}'], ['{"n":1}', 'ends', 'keeps', 'c', 'runs', 'd']]);
  });

  test('runs beside no more others than allowed', async () => {
    let [running, most] = [0, 0];
    const executions = executionsOn(database, unused, {
      ...handledBy(async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise(setImmediate);
        running -= 1;
        return SUCCEEDED;
      }),
      maxConcurrent: 3,
    });
    await Promise.all(Array.from({ length: 10 }, (_, n) => executions.start(`n${n}`, {})));
    await executions.settle();
    expect(most).toBe(3);
    expect(await Promise.all(Array.from({ length: 10 }, (_, n) => executions.status(`n${n}`)))).toEqual(
      Array.from({ length: 10 }, () => 'succeeded'),
    );
  });
});

describe('a checkpoint', () => {
  const step: Update = { Id: 'a', Type: 'STEP', Action: 'SUCCEED', Payload: '1', Name: 'a' };
  const wait: Update = { Id: 'w', Type: 'WAIT', Action: 'START', WaitOptions: { WaitSeconds: 60 }, Name: 'w' };
  const context: Update = { Id: 'c', Type: 'CONTEXT', Action: 'START', Name: 'c' };
  const callback: Update = { Id: 'k', Type: 'CALLBACK', Action: 'START', Name: 'k' };

  /** Sends checkpoints as the handler of an execution. Returns the answers and errors. */
  async function sent(...checkpoints: Update[][]): Promise<unknown[]> {
    const results: unknown[] = [];
    const executions = executionsOn(
      database,
      unused,
      handledBy(async ({ DurableExecutionArn, CheckpointToken }, client) => {
        for (const Updates of checkpoints) {
          const request = { DurableExecutionArn, CheckpointToken, Updates };
          results.push(await client.checkpoint(request).catch((error: unknown) => error));
        }
        return { Status: InvocationStatus.PENDING };
      }),
    );
    await executions.start('one', {});
    await executions.settle();
    return results;
  }

  test('is answered with all operations that changed, and an empty one without a commit', async () => {
    const checkpoints = counted('executions.checkpoint');
    const [first, second] = await sent([step, wait], []);
    const ids = { NewExecutionState: { Operations: [{ Id: 'a' }, { Id: 'w', Status: 'STARTED' }] } };
    expect(first).toMatchObject(ids);
    expect(second).toMatchObject({ NewExecutionState: { Operations: [] } });
    expect(checkpoints()).toBe(1);
  });

  test('of an earlier invocation is refused, and ends only that invocation', async () => {
    const clients: DurableExecutionClient[] = [];
    const tokens: string[] = [];
    const options = handledBy(async ({ CheckpointToken }, client) => {
      clients.push(client);
      tokens.push(CheckpointToken);
      if (tokens.length === 1) return new Promise(() => undefined); // hangs
      const [CheckpointTokenBefore] = tokens;
      const late = { DurableExecutionArn: 'one', Updates: [step] };
      const refused = { scope: DurableExecutionClientErrorScope.INVOCATION };
      // By the process that is alive, and by one that does not know yet that it is not.
      for (const each of clients)
        await expect(each.checkpoint({ ...late, CheckpointToken: CheckpointTokenBefore })).rejects.toMatchObject(
          refused,
        );
      return SUCCEEDED;
    });
    const victim = executionsOn(database, unused, options);
    await victim.start('one', {});
    void victim.settle();
    await expect.poll(() => tokens).toHaveLength(1);
    const next = executionsOn(database, unused, options);
    await next.recover();
    await next.settle();
    expect([statuses(), await next.status('one')]).toEqual([[], 'succeeded']);
    await victim.close();
  });

  test('that the file does not accept ends only the invocation; the next one continues', async () => {
    const write = database.write.bind(database);
    let full = true;
    database.write = async (name, args) => {
      if (name === 'executions.checkpoint' && full)
        throw new NotCommitted({ name: 'Error', message: 'full', code: 13 });
      return write(name, args);
    };
    const effects: string[] = [];
    const executions = executionsOn(
      database,
      (_input: object, durable: DurableContext) => durable.step('call', async () => effects.push('called')),
      clock,
    );
    await executions.start('one', {});
    await executions.settle();
    expect([effects, await executions.status('one')]).toEqual([['called'], 'running']);
    full = false;
    now += 1000;
    await executions.settle();
    expect([effects, await executions.status('one')]).toEqual([['called', 'called'], 'succeeded']);
  });

  const fail: Update = { Id: 'a', Type: 'STEP', Action: 'FAIL', Error: { ErrorMessage: 'no' } };
  const tooLarge = 'x'.repeat(EXECUTION_LIMITS.payloadBytes + 1);
  const invalid: Record<string, Update[][]> = {
    'an action that its type does not have': [[{ ...wait, Action: 'SUCCEED' }]],
    'a type that this platform does not have': [[{ Id: 'i', Type: 'CHAINED_INVOKE', Action: 'START' }]],
    'a step that has ended': [[step], [step]],
    'a second start': [[wait], [wait]],
    'two updates of a wait': [[wait, { ...wait, Action: 'CANCEL' }]],
    'two ends of a step': [[step, step]],
    'another type for an operation': [[wait], [{ ...step, Id: 'w' }]],
    'another type in one checkpoint': [[context, { ...step, Id: 'c' }]],
    'a cancelled callback that never was': [[{ ...callback, Action: 'CANCEL' }]],
    'a parent that is none': [[step], [{ ...wait, ParentId: 'a' }]],
    'a parent that does not exist': [[{ ...wait, ParentId: 'z' }]],
    'an end of the execution that is not the last update': [[{ Id: 'e', Type: 'EXECUTION', Action: 'SUCCEED' }, step]],
    'a result of a failure': [[{ ...fail, Payload: '1' }]],
    'an error of a success': [[{ ...step, Error: { ErrorMessage: 'no' } }]],
    'a retry without a delay': [[{ Id: 'a', Type: 'STEP', Action: 'RETRY' }]],
    'a result that is too large': [[{ ...step, Payload: tooLarge }]],
    'an error that is too large': [[{ ...fail, Error: { ErrorMessage: tooLarge } }]],
    'a name that is too long': [[{ ...step, Name: 'n'.repeat(EXECUTION_LIMITS.name + 1) }]],
    'too many operations': [
      Array.from({ length: EXECUTION_LIMITS.operations + 1 }, (_, n) => ({ ...step, Id: String(n) })),
    ],
  };
  test.each(Object.entries(invalid))('with %s is refused as a whole, and fails the execution', async (_, updates) => {
    const good: Update = { ...callback, Id: 'good', Name: 'good' };
    const results = await sent(...updates.slice(0, -1), [good, ...(updates.at(-1) ?? [])]);
    expect(results.at(-1)).toMatchObject({ scope: DurableExecutionClientErrorScope.EXECUTION });
    expect(results.slice(0, -1).filter((result) => result instanceof Error)).toEqual([]);
    expect(statuses()).not.toContain('good STARTED');
  });

  test('beyond the bytes of an execution is refused', async () => {
    const payload = 'x'.repeat(EXECUTION_LIMITS.payloadBytes);
    const count = Math.ceil(EXECUTION_LIMITS.storedBytes / EXECUTION_LIMITS.payloadBytes);
    const updates = (many: number): Update[] =>
      Array.from({ length: many }, (_, n) => ({ ...step, Id: `${many}-${n}`, Payload: payload }));
    const [fits, exceeds] = await sent(updates(count - 1), updates(2));
    expect(fits).not.toBeInstanceOf(Error);
    expect(exceeds).toMatchObject({ scope: DurableExecutionClientErrorScope.EXECUTION });
  });
});

describe('time', () => {
  test('passes faster by the scale, and what is set stays when the scale changes', async () => {
    const workflow = async (_input: object, context: DurableContext): Promise<void> => {
      await context.wait({ seconds: 600 });
      await context.wait({ seconds: 600 });
    };
    const start = now;
    const fast = executionsOn(database, workflow, { ...clock, timeScale: 60 });
    await fast.start('one', {});
    await fast.settle();
    expect(fast.nextDueAt() - start).toBe(10_000);
    const slow = executionsOn(database, workflow, clock);
    expect(slow.nextDueAt() - start).toBe(10_000);
    now = slow.nextDueAt();
    await slow.settle();
    expect(slow.nextDueAt() - now).toBe(600_000);
  });

  test('continues executions by itself, after a restart those of before first, until it is closed', async () => {
    const order: string[] = [];
    const workflow = async ({ name }: { name: string }, context: DurableContext): Promise<void> => {
      await context.step('begin', async () => order.push(`${name} begins`));
      await context.wait({ seconds: 20 });
      await context.step('end', async () => order.push(`${name} ends`));
    };
    const victim = executionsOn(database, workflow);
    await victim.start('one', { name: 'one' });
    const next = executionsOn(database, workflow, { timeScale: 1000 });
    await next.resume();
    await next.start('two', { name: 'two' });
    await expect
      .poll(() => Promise.all(['one', 'two'].map((name) => next.status(name))))
      .toEqual(['succeeded', 'succeeded']);
    expect(order.filter((each) => each.endsWith('begins'))).toEqual(['one begins', 'two begins']);
    await next.close();
    await next.start('three', { name: 'three' });
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(order).toHaveLength(4);
  });
});

test.for([
  ['all', 'SELECT seq, operation'],
  ['get', 'SELECT input'],
  ['get', 'min(wake_at)'],
] as const)('an execution runs although the file could not be read for a moment (%s %s)', async ([method, part]) => {
  const executions = executionsOn(database, async () => 'done', { now: () => now });
  await executions.start('one', {});
  const read = database.sql[method].bind(database.sql) as typeof database.sql.all;
  let failures = 0;
  vi.spyOn(database.sql, method as 'all').mockImplementation((query, ...values) => {
    if (failures > 0 || !query.includes(part)) return read(query, ...values);
    failures += 1;
    throw new Error('unreadable');
  });
  await executions.settle();
  expect(failures).toBe(1);
  now += 1000;
  await executions.settle();
  expect(await executions.status('one')).toBe('succeeded');
  await executions.close();
});
