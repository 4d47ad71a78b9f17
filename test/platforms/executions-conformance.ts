import type { DurableContext } from '@aws/durable-execution-sdk-js';
import { afterEach, describe, expect, test } from 'vitest';
import type { Executions } from '../../platforms/executions.ts';

export type Workflow = (input: never, context: DurableContext) => Promise<unknown>;

/** Executions of one workflow, with a clock that only the test sets. */
export type OpenExecutions = {
  executions: Executions;
  /** Lets seconds pass, runs what is due then, and resolves when all handlers wait. */
  pass(seconds: number): Promise<void>;
  /** Ends the process without closing anything, and opens the same state with another one. */
  crash(): Promise<void>;
  close(): Promise<void>;
};

const retentionSeconds = 31 * 86_400;

/** Tests the port, with a retention of 30 days. */
export function executionsConformance(platform: string, open: (workflow: Workflow) => Promise<OpenExecutions>): void {
  describe.for([platform])('the executions of %s', () => {
    let opened: OpenExecutions | undefined;
    const given = async (workflow: Workflow): Promise<OpenExecutions> => (opened = await open(workflow));
    const status = (name = 'one') => opened?.executions.status(name);
    afterEach(() => opened?.close());

    test('start one execution per name, also at the same time, and after its end', async () => {
      const runs: number[] = [];
      const { executions, pass } = await given((input: { n: number }, context) =>
        context.step('count', async () => runs.push(input.n)),
      );
      await Promise.all([1, 2, 3].map((n) => executions.start('one', { n })));
      await executions.start('two', { n: 4 });
      expect(await status()).toBe('running');
      await pass(0);
      expect(runs).toEqual([1, 4]);
      await executions.start('one', { n: 5 });
      await pass(0);
      expect(runs).toEqual([1, 4]);
      expect(await status()).toBe('succeeded');
    });

    test.each(['', 'a.b', 'a b', 'a'.repeat(65)])('refuse the name "%s"', async (name) => {
      const { executions } = await given(async () => undefined);
      await expect(executions.start(name, {})).rejects.toThrow();
    });

    test('know the status of an execution until its retention is over', async () => {
      const { executions, pass } = await given(async (input: { fails: boolean }, context) => {
        if (input.fails) throw new Error('no known good version');
        await context.wait({ seconds: 60 });
      });
      expect(await status()).toBe('unknown');
      await executions.start('one', { fails: false });
      await executions.start('failing', { fails: true });
      await pass(0);
      expect([await status(), await status('failing')]).toEqual(['running', 'failed']);
      await pass(60);
      expect([await status(), await status('failing')]).toEqual(['succeeded', 'failed']);
      await pass(retentionSeconds);
      expect([await status(), await status('failing')]).toEqual(['unknown', 'unknown']);
    });

    test('give a workflow its own ID', async () => {
      let id = '';
      const { executions, pass } = await given(async (_input: object, context) => {
        id = context.executionContext.durableExecutionArn;
      });
      expect(await executions.start('one', {})).toBe(await executions.start('one', {}));
      await pass(0);
      expect(await executions.start('one', {})).toBe(id);
      expect(await status(id)).toBe('succeeded');
    });

    test('say which execution has a name, also if it has failed before its first checkpoint', async () => {
      let calls = 0;
      const { executions, pass } = await given(async () => {
        calls += 1;
        throw new Error('no table');
      });
      await executions.start('one', {});
      await pass(0);
      const failed = await executions.start('one', {});
      await pass(60);
      expect([await status(failed), calls]).toEqual(['failed', 1]);
    });

    test('complete a callback once, and accept that it is closed or unknown', async () => {
      let callback = '';
      const ends: string[] = [];
      const { executions, pass } = await given(async (_input: object, context) => {
        const [completed, id] = await context.createCallback('approval', { timeout: { seconds: 100 } });
        callback = id;
        await completed.then(
          () => ends.push('completed'),
          () => ends.push('timed out'),
        );
        await context.wait({ seconds: 1000 });
      });
      await executions.start('one', {});
      await pass(0);
      await pass(99);
      expect(ends).toEqual([]);
      await executions.completeCallback(callback);
      await executions.completeCallback(callback);
      await pass(0);
      expect(new Set(ends)).toEqual(new Set(['completed']));
      await pass(1000);
      expect([new Set(ends), await status()]).toEqual([new Set(['completed']), 'succeeded']);
      await executions.completeCallback(callback);
      await executions.completeCallback('nobody.0123456789abcdef');
      await executions.completeCallback('');
    });

    test('time out a callback, and not complete it later', async () => {
      let callback = '';
      const ends: string[] = [];
      const { executions, pass } = await given(async (_input: object, context) => {
        const [completed, id] = await context.createCallback('approval', { timeout: { seconds: 100 } });
        callback = id;
        await context.wait({ seconds: 150 });
        await completed.catch((error: unknown) => ends.push(String(error)));
      });
      await executions.start('one', {});
      await pass(0);
      await pass(100);
      await executions.completeCallback(callback);
      await pass(50);
      expect(ends).toEqual(['CallbackTimeoutError: Callback timed out']);
    });

    test('continue waits and timeouts after a crash, at the time that was set before', async () => {
      const ends: string[] = [];
      const { executions, pass, crash } = await given(async (_input: object, context) => {
        await context.step('begin', async () => ends.push('begun'));
        const [completed] = await context.createCallback('approval', { timeout: { seconds: 100 } });
        await completed.catch(() => context.step('late', async () => ends.push('timed out')));
        await context.wait({ seconds: 1000 });
        ends.push('waited');
      });
      await executions.start('one', {});
      await pass(0);
      await pass(60);
      await crash();
      await pass(39);
      expect(ends).toEqual(['begun']);
      await pass(1);
      expect(ends).toEqual(['begun', 'timed out']);
      await crash();
      await pass(999);
      await crash();
      expect(await status()).toBe('running');
      await pass(1);
      expect([ends, await status()]).toEqual([['begun', 'timed out', 'waited'], 'succeeded']);
    });

    test('run a step again after its pause, and no step whose result is recorded', async () => {
      const attempts: string[] = [];
      const { executions, pass, crash } = await given(async (_input: object, context) => {
        const first = await context.step('first', async () => attempts.push('first'));
        const second = await context.step(
          'second',
          async () => {
            attempts.push('second');
            if (attempts.length < 4) throw new Error('the pager is down');
            return attempts.length;
          },
          { retryStrategy: (_, made) => ({ shouldRetry: made < 9, delay: { seconds: made * 10 } }) },
        );
        attempts.push(`ended ${first} ${second}`);
      });
      await executions.start('one', {});
      await pass(0);
      await pass(9);
      expect(attempts).toEqual(['first', 'second']);
      await pass(1);
      expect(attempts).toEqual(['first', 'second', 'second']);
      await crash();
      await pass(19);
      expect(attempts).toHaveLength(3);
      await pass(1);
      expect(attempts).toEqual(['first', 'second', 'second', 'second', 'ended 1 4']);
    });

    test('fail an execution whose step uses up its attempts, and go on if the workflow catches it', async () => {
      const ends: unknown[] = [];
      const { executions, pass } = await given(async (input: { caught: boolean }, context) => {
        const failing = context.step('call', () => Promise.reject(new TypeError('refused')), {
          retryStrategy: () => ({ shouldRetry: false }),
        });
        if (!input.caught) return failing;
        await failing.catch((error: unknown) => ends.push(String(error)));
        return context.wait({ seconds: 10 });
      });
      await executions.start('one', { caught: false });
      await executions.start('two', { caught: true });
      await pass(0);
      expect([await status('one'), await status('two')]).toEqual(['failed', 'running']);
      await pass(10);
      expect([ends, await status('two')]).toEqual([['StepError: refused', 'StepError: refused'], 'succeeded']); // replayed, not called again
    });

    test('run branches side by side, each from where it was', async () => {
      const effects: string[] = [];
      const { executions, pass, crash } = await given(async (_input: object, context) => {
        const branch = (name: string, seconds: number) =>
          context.runInChildContext(name, async (child) => {
            await child.step(`${name}-1`, async () => effects.push(`${name}-1`));
            await child.wait({ seconds });
            return child.runInChildContext('inner', (inner) =>
              inner.step(`${name}-2`, async () => effects.push(`${name}-2`)),
            );
          });
        return Promise.all([branch('slow', 60), branch('fast', 10)]);
      });
      await executions.start('one', {});
      await pass(0);
      await pass(10);
      await crash();
      await pass(50);
      expect([effects, await status()]).toEqual([['slow-1', 'fast-1', 'fast-2', 'slow-2'], 'succeeded']);
    });

    test('recreate a result that is too large to store, from the steps of its branch', async () => {
      const effects: string[] = [];
      const lengths: number[] = [];
      const { executions, pass } = await given(async (_input: object, context) => {
        const large = await context.runInChildContext('large', async (child) => {
          const part = await child.step('part', async () => {
            effects.push('part');
            return 'x'.repeat(100_000);
          });
          return part.repeat(3);
        });
        await context.wait({ seconds: 10 });
        lengths.push(large.length);
        return large.repeat(25);
      });
      await executions.start('one', {});
      await pass(0);
      await pass(10);
      expect([effects, lengths, await status()]).toEqual([['part'], [300_000], 'succeeded']);
    });
  });
}
