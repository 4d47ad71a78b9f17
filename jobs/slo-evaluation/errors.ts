import type { Log } from '../../domain/ports/system.ts';

/**
 * How long a problem is not logged again after it was last seen, so that a recurring problem does not flood the log.
 */
const QUIET_MS = 10 * 60_000;

/** The log messages for the start and the end of a problem. */
export type ErrorTexts = { begins: string; over: string };

/** Logs problems with reading objectives: when they start and when all are over, but not each minute. */
export class ReadErrors {
  readonly #log: Log;
  readonly #words: ErrorTexts;
  /** Until when a problem is not logged again (Unix milliseconds), by objective. */
  readonly #quietUntil = new Map<string, number>();

  constructor(log: Log, words: ErrorTexts) {
    this.#log = log;
    this.#words = words;
  }

  /**
   * Logs new problems, or the end of all problems.
   *
   * @param silent the objectives that cannot be read now, with the reason
   * @param of the number of all objectives
   * @param now Unix milliseconds
   */
  logChanges(silent: ReadonlyMap<string, string>, of: number, now: number): void {
    const news = [...silent].filter(([objective]) => !this.#quietUntil.has(objective));
    const [first] = news;
    if (first !== undefined) {
      const [objective, because] = first;
      this.#log.warn(this.#words.begins, { objectives: silent.size, of, objective, because });
    }
    if (silent.size === 0 && this.#quietUntil.size > 0) {
      this.#log.info(this.#words.over);
      this.#quietUntil.clear();
    }
    for (const objective of silent.keys()) this.#quietUntil.set(objective, now + QUIET_MS);
    for (const [objective, until] of this.#quietUntil) if (until <= now) this.#quietUntil.delete(objective);
  }
}
