import type { LocalFunction } from '../function-runner.ts';
import type { Store } from '../store.ts';

const PRUNE_EVERY_MS = 60 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Maximum executions to delete in one transaction, to keep it short. */
const BATCH_MAX = 100;

/**
 * Deletes executions whose retention period has ended. The retention period is not time-scaled, because a name protects
 * against a second start.
 */
export class Pruner {
  readonly #store: Store;
  readonly #functions: ReadonlyMap<string, LocalFunction>;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, functions: ReadonlyMap<string, LocalFunction>, now: () => number) {
    this.#store = store;
    this.#functions = functions;
    this.#now = now;
  }

  start(): void {
    this.#prune();
    this.#timer = setInterval(() => this.#prune(), PRUNE_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Does nothing: no event can end a retention period earlier. */
  poke(): void {}

  #prune(): void {
    for (const [name, { durable }] of this.#functions) {
      if (!durable) continue;
      const endedBefore = this.#now() - durable.retentionDays * DAY_MS;
      while (this.#store.transaction(() => this.#store.prune(name, endedBefore, BATCH_MAX)) === BATCH_MAX);
    }
  }
}
