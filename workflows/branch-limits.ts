import type { Deps } from '../domain/ports/deps.ts';
import type { Run } from './run.ts';

/**
 * Limits of a branch. `callbackDue`: after each step, returns the callback to complete because the run has become long. `paused`:
 * resolves when the branch may continue; null: now.
 */
export type BranchLimits = { callbackDue: () => string | null; paused: () => Promise<void> | null };

/** Returns the run of a branch with limits. While it is paused, it starts no operation. */
export function limited(run: Run, limits: BranchLimits, deps: Pick<Deps, 'engine' | 'log'>): Run {
  const unlessPaused = <T>(operation: () => Promise<T>): Promise<T> => limits.paused()?.then(operation) ?? operation();
  const withLimits = (inner: Run): Run => limited(inner, limits, deps);
  return {
    execution: run.execution,
    operations: () => run.operations(),
    withLogFields: (fields) => withLimits(run.withLogFields(fields)),
    wait: (name, delay) => unlessPaused(() => run.wait(name, delay)),
    createCallback: (name, timeout) => unlessPaused(() => run.createCallback(name, timeout)),
    childContext: (name, work) => unlessPaused(() => run.childContext(name, (inner) => work(withLimits(inner)))),
    step: (name, work) =>
      unlessPaused(() =>
        run.step(name, async () => {
          const result = await work();
          await complete(deps, limits.callbackDue());
          return result;
        }),
      ),
  };
}

/** Completes a callback. An error is only logged: the step that was just done must not be repeated for it. */
async function complete({ engine, log }: Pick<Deps, 'engine' | 'log'>, callback: string | null): Promise<void> {
  try {
    if (callback !== null) await engine.completeCallback(callback);
  } catch (error) {
    log.warn('cannot wake a long run', { error: String(error) });
  }
}
