import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { describe, expect, test } from 'vitest';
import { Database } from '../../../platforms/sqlite/database.ts';
import type { SqliteExecutions } from '../../../platforms/sqlite/executions.ts';
import { executionsOn } from './executions-on.ts';

/** An effect on the world, which no crash undoes, and the value that its step returned. */
type Effect = { step: string; value: string };

/** When a process dies: before or after its commit with this number is on disk. After that, it does nothing. */
type Death = { when: 'before' | 'after'; commit: number };

/** Lets the process of a database die. Returns the number of its commits until then. */
function mortal(database: Database, { when, commit }: Death): { died: Promise<void>; commits: () => number } {
  let commits = 0;
  let die = (): void => undefined;
  const died = new Promise<void>((resolve) => (die = resolve));
  const write = database.write.bind(database);
  database.write = async (name, args) => {
    commits += 1;
    if (commits === commit && when === 'after') await write(name, args);
    if (commits >= commit) {
      die();
      return new Promise(() => undefined);
    }
    return write(name, args);
  };
  return { died, commits: () => commits };
}

/** A workflow with all kinds of operations. It returns the values that its steps have recorded. */
function workflow(effects: Effect[]) {
  let attempts = 0;
  return async (_input: object, context: DurableContext): Promise<Record<string, string>> => {
    const act = (step: string, value: string = randomUUID()): string => {
      effects.push({ step, value });
      return value;
    };
    const values: Record<string, string> = {};
    values['begin'] = await context.step('begin', async () => act('begin'));
    const waits = context.runInChildContext('waits', async (child) => {
      values['before'] = await child.step('before', async () => act('before'));
      await child.wait({ seconds: 30 });
      values['after'] = await child.step('after', async () => act('after'));
      return values;
    });
    const retries = context.runInChildContext('retries', (child) =>
      child.step(
        'retried',
        async () => {
          attempts += 1;
          if (attempts === 1) throw new Error('unavailable');
          return act('retried');
        },
        { retryStrategy: () => ({ shouldRetry: true, delay: { seconds: 5 } }) },
      ),
    );
    const [completed, id] = await context.createCallback('approval', { timeout: { seconds: 3600 } });
    await context.step('asked', async () => act('asked', id));
    await completed;
    Object.assign(values, await waits);
    values['retried'] = await retries;
    values['end'] = await context.step('end', async () => act('end'));
    return values;
  };
}

/** Lets time pass until the execution has ended. */
async function drive(executions: SqliteExecutions, effects: Effect[], clock: { now: number }): Promise<void> {
  await executions.start('one', {}); // a caller repeats a start that was not answered
  for (let round = 0; (await executions.status('one')) === 'running'; round += 1) {
    if (round === 100) throw new Error('the execution does not end');
    await executions.settle();
    const asked = effects.findLast(({ step }) => step === 'asked');
    if (asked !== undefined) await executions.completeCallback(asked.value);
    clock.now += 5000;
  }
}

/** Runs the workflow in a process that dies, and in the next one to its end. */
async function played(first: Database, reopen: () => Promise<Database>, death: Death) {
  const effects: Effect[] = [];
  const clock = { now: Date.now() };
  const now = (): number => clock.now;
  const { died, commits } = mortal(first, death);
  const handler = workflow(effects);
  const victim = executionsOn(first, handler, { now });
  const driven = drive(victim, effects, clock);
  await Promise.race([died, driven]);
  const second = await reopen();
  const next = executionsOn(second, handler, { now });
  await next.recover();
  await drive(next, effects, clock);
  const row = second.sql.get('SELECT outcome FROM executions');
  const { Result = 'null' } = JSON.parse(String(row?.['outcome'])) as { Result?: string };
  const result = JSON.parse(Result) as Record<string, string>;
  return { effects, result, status: await next.status('one'), commits: commits() };
}

const NAMES = ['after', 'before', 'begin', 'end', 'retried'];

/** Checks that every recorded result counts, and that only work in progress was repeated: at most one step per branch. */
function check(death: Death, { effects, result, status }: Awaited<ReturnType<typeof played>>): void {
  const last = Object.fromEntries(effects.map(({ step, value }) => [step, value]));
  const { asked: _, ...values } = last;
  expect({ death, status, names: Object.keys(result).toSorted() }).toEqual({
    death,
    status: 'succeeded',
    names: NAMES,
  });
  expect({ death, result }).toEqual({ death, result: values });
  expect({ death, repeated: Math.max(0, effects.length - NAMES.length - 1 - 3) }).toEqual({ death, repeated: 0 });
}

describe('a process that dies at any commit', () => {
  const never: Death = { when: 'before', commit: Infinity };

  test('is continued with the same result, in memory', async () => {
    const database = Database.inMemory();
    const { commits, effects } = await played(database, async () => database, never);
    expect(effects).toHaveLength(NAMES.length + 1);
    expect(commits).toBeGreaterThan(15);
    const deaths = Array.from({ length: commits }, (_, n) => [
      { when: 'before', commit: n + 1 } as const,
      { when: 'after', commit: n + 1 } as const,
    ]).flat();
    await Promise.all(
      deaths.map(async (death) => {
        const victim = Database.inMemory();
        const { write } = victim;
        const alive = async (): Promise<Database> => Object.assign(victim, { write });
        check(death, await played(victim, alive, death));
      }),
    );
  });

  test('is continued with the same result, in a file', async () => {
    for (const commit of [1, 2, 3, 5, 8, 11, 14, 17]) {
      const folder = await mkdtemp(join(tmpdir(), 'firebreak-crash-'));
      const file = join(folder, 'firebreak.sqlite');
      const first = await Database.open(file);
      const second = Database.open(file);
      const death: Death = { when: commit % 2 === 0 ? 'before' : 'after', commit };
      check(death, await played(first, () => second, death));
      await Promise.all([first.close(), (await second).close()]);
      await rm(folder, { recursive: true });
    }
  });
});
