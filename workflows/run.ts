import { CallbackError, type DurableContext, type StepConfig, StepSemantics } from '@aws/durable-execution-sdk-js';
import type { Log } from '../domain/ports.ts';

/** Some way off in the workflow's own time. Locally, `FIREBREAK_TIME_SCALE` makes it pass faster. */
export type Delay = { seconds: number };

/** Something that can be rung from outside, once. */
export type Bell = {
  /** By which it is rung. */
  id: string;
  /** Resolves when it was rung, or when nobody did in time. Never rejects. */
  rung(): Promise<'rung' | 'timeout'>;
};

/**
 * Our thin layer over the durable engine: what a workflow may do besides deciding. Operations are known by their
 * position, so what runs side by side runs in branches.
 */
export type Run = {
  /**
   * Does something outside and records the answer, which must be JSON. After a crash it may run again. What throws is
   * tried again with growing pauses: only what our own infrastructure does wrong throws, a vendor's no is an answer.
   */
  step<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Something that goes on beside the rest, with a sequence of operations of its own. */
  branch<T>(name: string, work: (run: Run) => Promise<T>): Promise<T>;
  wait(name: string, delay: Delay): Promise<void>;
  /** The same run, with more fields on every line of its log. */
  about(fields: Record<string, unknown>): Run;
  /** By which the engine knows this execution. */
  readonly execution: string;
  bell(name: string, timeout: Delay): Promise<Bell>;
  /** How many operations it has asked for so far, those inside its branches apart. */
  operations(): number;
};

/** Infrastructure comes back; an incident must not end because DynamoDB was slow for a minute. */
const RETRY: NonNullable<StepConfig<unknown>['retryStrategy']> = (_error, attempt) => ({
  shouldRetry: attempt < 200,
  delay: { seconds: Math.min(2 ** Math.min(attempt, 6), 60) },
});

export function durableRun(context: DurableContext, log: Log, counted = { operations: 0 }): Run {
  const count = (): void => {
    counted.operations += 1;
  };
  return {
    operations: () => counted.operations,
    step: (name, work) => {
      count();
      return context.step(name, () => logged(log, name, work), {
        retryStrategy: RETRY,
        semantics: StepSemantics.AtLeastOncePerRetry,
      });
    },
    branch: (name, work) => {
      count();
      return started(context.runInChildContext(name, (child) => work(durableRun(child, log.with({ branch: name })))));
    },
    execution: context.executionContext.durableExecutionArn,
    about: (fields) => durableRun(context, log.with(fields), counted),
    wait: async (name, { seconds }) => {
      count();
      return context.wait(name, { seconds: Math.max(1, Math.round(seconds)) });
    },
    bell: async (name, { seconds }) => {
      count();
      const [promise, id] = await context.createCallback(name, {
        timeout: { seconds: Math.max(1, Math.round(seconds)) },
      });
      return {
        id,
        rung: async () => {
          try {
            await promise;
            return 'rung';
          } catch (error) {
            // Nobody ever fails a bell, so what is thrown is its time-out.
            if (error instanceof CallbackError) return 'timeout';
            throw error;
          }
        },
      };
    },
  };
}

/** One line for each step that is really done, none when it is only remembered. */
async function logged<T>(log: Log, step: string, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    log.debug('step', { step });
    return result;
  } catch (error) {
    log.error('step failed; it is tried again', {
      step,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
    throw error;
  }
}

/** A branch runs from the moment it is made; whoever awaits it later must not miss an early failure as "unhandled". */
function started<T>(branch: PromiseLike<T>): Promise<T> {
  const promise = Promise.resolve(branch);
  promise.catch(() => undefined);
  return promise;
}
