import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench, until, type Workflow } from './bench.ts';
import type { LocalFunction } from '../../../../local/aws/lambda/lambda.ts';
import { render } from './render.ts';

/** One behaviour of durable functions and the whole history that it leaves behind. */
export type Case = {
  /** The public conformance case whose statement this one follows, e.g. `step 1-1`; `own` when there is none. */
  follows: string;
  title: string;
  workflow: Workflow;
  input?: unknown;
  /** What people and other systems do while the execution runs. */
  meanwhile?: (bench: Bench, arn: string) => Promise<void>;
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED' | 'RUNNING';
  /** The result, parsed. */
  result?: unknown;
  history: string[];
};

/**
 * Runs every case on one endpoint, all at once, and compares history and outcome as a whole.
 *
 * @param options.timeScale 1000, or less where somebody has to act in time
 * @param options.functions what the workflows call
 */
export function behaves(
  suite: string,
  cases: readonly Case[],
  options: { timeScale?: number; functions?: (bench: Bench) => Record<string, LocalFunction> } = {},
): void {
  describe.for([suite])('%s', () => {
    const bench = new Bench();
    beforeAll(async () => {
      const workflows = cases.map(({ workflow }, index) => [`case-${index}`, bench.durable(workflow)] as const);
      const functions = { ...Object.fromEntries(workflows), ...options.functions?.(bench) };
      await bench.start(functions, { timeScale: options.timeScale ?? 1_000 });
      bench.resume();
    });
    afterAll(() => bench.remove());

    test.concurrent.for(cases.map((one, index) => ({ ...one, index })))('$follows: $title', async (one) => {
      const arn = await bench.begin(`case-${one.index}`, one.input);
      await one.meanwhile?.(bench, arn);
      const { Status, Result } = one.status === 'RUNNING' ? await bench.describe(arn) : await bench.ended(arn);
      expect(render(await bench.history(arn))).toEqual(one.history);
      expect(Status).toBe(one.status);
      expect(Result === undefined ? undefined : JSON.parse(Result)).toEqual(one.result);
    });
  });
}

/** Waits until the execution has suspended for the `count`th time. */
export async function suspended(bench: Bench, arn: string, count = 1): Promise<void> {
  await until(async () => {
    const events = await bench.history(arn);
    return events.filter(({ EventType }) => EventType === 'InvocationCompleted').length >= count || undefined;
  });
}
