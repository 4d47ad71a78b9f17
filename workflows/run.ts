import { CallbackError, type DurableContext, type StepConfig, StepSemantics } from '@aws/durable-execution-sdk-js';
import * as z from 'zod';
import type { Log } from '../core/domain/ports/system.ts';

/** A delay in the workflow's time. Locally, `FIREBREAK_TIME_SCALE` makes it pass faster. */
export type Delay = { seconds: number };

/** A callback that can be completed from outside, once. */
export type Callback = {
  /** Callback ID, which completes it. */
  id: string;
  /** Resolves when the callback is completed or times out. Never rejects. */
  settled(): Promise<'callback' | 'timeout'>;
};

/**
 * A thin layer over the durable engine: the operations of a workflow. The engine identifies operations by their position,
 * so parallel work runs in branches.
 */
export type Run = {
  /**
   * Runs a side effect and records its result, which must be JSON. It may run again after a crash. An exception is
   * retried with increasing pauses: only failures of our own infrastructure throw; a vendor's refusal is a result.
   */
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Runs work in parallel, with its own sequence of operations. */
  childContext<T>(name: string, work: (run: Run) => Promise<T>): Promise<T>;
  wait(name: string, delay: Delay): Promise<void>;
  /** Returns the same run, with additional fields on every log line. */
  withLogFields(fields: Record<string, unknown>): Run;
  /** ID of this execution at the engine. */
  readonly execution: string;
  createCallback(name: string, timeout: Delay): Promise<Callback>;
  /**
   * Returns the number of operations so far, with those of its branches. It depends on how far parallel branches are, so a
   * workflow reads it inside a step, whose result is recorded.
   */
  operations(): number;
};

/** Retries for hours: an incident must not end because DynamoDB was slow for a minute. */
const RETRY: NonNullable<StepConfig<unknown>['retryStrategy']> = (_error, attempt) => ({
  shouldRetry: attempt < 200,
  delay: { seconds: Math.min(2 ** Math.min(attempt, 6), 60) },
});

/** Counter of the operations of a context and of its branches. */
type Counter = { operations: number; within: Counter | null };

function count(counter: Counter, operations: number): void {
  for (let each: Counter | null = counter; each !== null; each = each.within) each.operations += operations;
}

/**
 * Creates a run from the engine's context.
 *
 * @param counted counter of operations, shared by copies of the same run
 * @param calls how often each step was called, shared likewise
 */
export function durableRun(
  context: DurableContext,
  log: Log,
  counted: Counter = { operations: 0, within: null },
  calls: Map<string, number> = new Map(),
): Run {
  return {
    operations: () => counted.operations,
    step: (name, work) => {
      count(counted, 1);
      const attempt = (calls.get(name) ?? 0) + 1;
      calls.set(name, attempt);
      return context.step(name, () => logged(log, { step: name, attempt }, work), {
        retryStrategy: RETRY,
        semantics: StepSemantics.AtLeastOncePerRetry,
      });
    },
    childContext: (name, work) => {
      count(counted, 1);
      const branch: Counter = { operations: 0, within: counted };
      // A replay does not run a branch that has ended, so the number of its operations is recorded with its result.
      const ended = context.runInChildContext(name, async (child) => ({
        result: await work(durableRun(child, log.with({ branch: name }), branch)),
        operations: branch.operations,
      }));
      return runningBranch(
        ended.then((recorded) => {
          if (!isBranchEnd(recorded))
            throw new Error(
              `Cannot read the recorded end of branch "${name}": another version of Firebreak recorded it. This run fails; the next one continues from the table`,
            );
          count(branch, recorded.operations - branch.operations);
          return recorded.result;
        }),
      );
    },
    execution: context.executionContext.durableExecutionArn,
    withLogFields: (fields) => durableRun(context, log.with(fields), counted, calls),
    wait: async (name, { seconds }) => {
      count(counted, 1);
      return context.wait(name, { seconds: Math.max(1, Math.round(seconds)) });
    },
    createCallback: async (name, { seconds }) => {
      count(counted, 1);
      const [promise, id] = await context.createCallback(name, {
        timeout: { seconds: Math.max(1, Math.round(seconds)) },
      });
      return {
        id,
        settled: async () => {
          try {
            await promise;
            return 'callback';
          } catch (error) {
            // Callbacks are never failed, so this error is a time-out.
            if (error instanceof CallbackError) return 'timeout';
            throw error;
          }
        },
      };
    },
  };
}

/** Returns whether a branch was recorded by code that records the number of its operations. A result without a value has no key. */
const isBranchEnd = (recorded: unknown): boolean =>
  typeof recorded === 'object' &&
  recorded !== null &&
  'operations' in recorded &&
  typeof recorded.operations === 'number';

/**
 * Logs one line for each step that runs, and none when its result is replayed. If a vendor gave no usable response, the
 * workflow calls the step again.
 */
async function logged<T>(
  log: Log,
  { step, attempt }: { step: string; attempt: number },
  work: () => Promise<T>,
): Promise<T> {
  try {
    const result = await work();
    log.debug('step', { step });
    const unanswered = Unanswered.safeParse(result).data;
    if (unanswered) log.warn('Step got no usable response; retrying', { step, attempt, detail: unanswered.detail });
    return result;
  } catch (error) {
    log.error('Step failed; retrying', {
      step,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    throw error;
  }
}

/** The result of an attempt that is repeated, with the reason. */
const Unanswered = z.object({ kind: z.enum(['later', 'busy']), detail: z.string() });

/** Marks an early failure of a branch as handled: the branch runs at once, and is awaited later. */
function runningBranch<T>(branch: PromiseLike<T>): Promise<T> {
  const promise = Promise.resolve(branch);
  promise.catch(() => undefined);
  return promise;
}
