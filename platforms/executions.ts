/** `unknown`: there is none, or it is no longer stored. */
export type ExecutionStatus = 'running' | 'succeeded' | 'failed' | 'unknown';

/** Durable executions of workflows. A platform continues them after any crash. */
export interface Executions {
  /**
   * Starts an execution, unless one of this name was started before.
   *
   * @param name at most 64 letters, digits, `-`, and `_`
   * @param input JSON
   * @returns the ID of the execution of this name, whatever its status is. Undefined: the platform does not say it
   */
  start(name: string, input: object): Promise<string | undefined>;
  /** @param execution its ID, as its own context has it */
  status(execution: string): Promise<ExecutionStatus>;
  /** Completes a callback. A callback that is closed, or no longer exists, is a success. */
  completeCallback(callback: string): Promise<void>;
}
