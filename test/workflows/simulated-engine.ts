import { incidentActions } from '../../core/actions/paging/escalate.ts';
import type { Product } from '../../functions/assembly/product.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { incidentResponse, type IncidentOutcome } from '../../workflows/incident-response.ts';
import type { Run } from '../../workflows/run.ts';
import type { SetClock, TestEngine } from '../support/fake-deps.ts';

/** A run of the workflow: its number of operations, and how it ended; null: it is in progress. */
export type SimulatedRun = {
  number: number;
  operations: number;
  ended: IncidentOutcome['ended'] | null;
  error: unknown;
};

/** A step that fails this often will not recover in a story. */
const STEP_ATTEMPTS = 10;

type Timer = { at: number; fire: () => void };

/**
 * Runs the workflow of incidents without checkpoints and replays, so that thousands of operations cost milliseconds. Counts
 * the operations of each run by itself.
 */
export class SimulatedEngine implements TestEngine {
  readonly runs: SimulatedRun[] = [];
  readonly #clock: SetClock;
  readonly #deps: Product;
  readonly #callbacks = new Map<string, () => void>();
  #timers: Timer[] = [];

  constructor(clock: SetClock, deps: Product) {
    this.#clock = clock;
    this.#deps = deps;
  }

  async start(id: IncidentId, number: number): Promise<string> {
    const execution = `run ${number}`;
    if (this.runs.some((run) => run.number === number)) return execution;
    const run: SimulatedRun = { number, operations: 0, ended: null, error: null };
    this.runs.push(run);
    incidentResponse(this.#context(run), { incidentId: id, run: number }, this.#deps, incidentActions(this.#deps)).then(
      ({ ended }) => (run.ended = ended),
      (error: unknown) => (run.error = error),
    );
    return execution;
  }

  async completeCallback(id: string): Promise<void> {
    this.#callbacks.get(id)?.();
  }

  async status(): Promise<'running'> {
    return 'running';
  }

  kill(): void {
    throw new Error('runs of this engine cannot be killed');
  }

  dieAfter(): void {
    throw new Error('runs of this engine cannot die');
  }

  /** Lets all runs continue until they wait. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Advances the clock, and fires all timers that are due by then. */
  async pass(seconds: number): Promise<void> {
    const millis = this.#clock.millis + seconds * 1000;
    await this.settle();
    for (;;) {
      const [first] = this.#timers;
      if (first === undefined || first.at > millis) break;
      this.#timers.shift();
      this.#clock.set(Math.max(this.#clock.millis, first.at));
      first.fire();
      await this.settle();
    }
    this.#clock.set(millis);
  }

  /** A run that has ended does nothing more. */
  #context(run: SimulatedRun): Run {
    const operation = <T>(work: () => Promise<T>): Promise<T> => {
      if (run.ended !== null) return new Promise(() => undefined);
      run.operations += 1;
      return work();
    };
    return {
      execution: `run ${run.number}`,
      operations: () => run.operations,
      withLogFields: () => this.#context(run),
      step: (_name, work) => operation(() => this.#retried(work)),
      childContext: (_name, work) => operation(() => work(this.#context(run))),
      wait: (_name, { seconds }) => operation(() => new Promise((resolve) => this.#after(seconds, resolve))),
      createCallback: (name, { seconds }) =>
        operation(async () => {
          const id = `${name}-${run.number}-${run.operations}`;
          const settled = new Promise<'callback' | 'timeout'>((resolve) => {
            this.#callbacks.set(id, () => resolve('callback'));
            this.#after(seconds, () => resolve('timeout'));
          });
          return { id, settled: () => settled };
        }),
    };
  }

  /** Repeats a step that throws, as the real engine does. */
  async #retried<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (attempt === STEP_ATTEMPTS) throw error;
        await new Promise<void>((resolve) => this.#after(2 ** attempt, resolve));
      }
    }
  }

  #after(seconds: number, fire: () => void): void {
    const at = this.#clock.millis + seconds * 1000;
    const index = this.#timers.findIndex((timer) => timer.at > at);
    this.#timers.splice(index === -1 ? this.#timers.length : index, 0, { at, fire });
  }
}
