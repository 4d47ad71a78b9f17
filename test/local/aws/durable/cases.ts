import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench, until, type Workflow } from './bench.ts';
import type { LocalFunction } from '../../../../local/aws/lambda/lambda.ts';
import { render } from './render.ts';

/** A behavior of durable functions with its complete history. */
export type Case = {
  /** The public conformance case that this one follows, e.g. `step 1-1`; `own` if there is none. */
  follows: string;
  title: string;
  workflow: Workflow;
  input?: unknown;
  /** Actions of people and other systems during the execution. */
  meanwhile?: (bench: Bench, arn: string) => Promise<void>;
  status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED' | 'RUNNING';
  /** The parsed result. */
  result?: unknown;
  history: string[];
};

/**
 * Runs all cases concurrently on one endpoint, and compares their complete histories and results.
 *
 * Let waits and delays last 20 seconds or more: while the handler runs, its clock runs at the speed of the machine, and a
 * wait that is over before the handler suspends has another history.
 *
 * @param options.timeScale 1000, or less if an action must happen in time
 * @param options.functions the functions that the workflows invoke
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
