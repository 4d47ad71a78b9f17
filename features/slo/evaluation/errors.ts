import type { Log } from '../../../core/domain/ports/system.ts';

/**
 * How long a problem is not logged again after it was last seen, so that a recurring problem does not flood the log.
 */
const QUIET_MS = 10 * 60_000;

/** The log messages for the start and the end of a problem. */
export type ErrorTexts = { started: string; ended: string };

/** Logs problems with reading objectives: when they start and when all are over, but not each minute. */
export class ReadErrors {
  readonly #log: Log;
  readonly #texts: ErrorTexts;
  /** Until when a problem is not logged again (Unix milliseconds), by objective. */
  readonly #quietUntil = new Map<string, number>();

  constructor(log: Log, texts: ErrorTexts) {
    this.#log = log;
    this.#texts = texts;
  }

  /**
   * Logs new problems, or the end of all problems.
   *
   * @param unreadable the objectives that cannot be read now, with the reason
   * @param total the number of all objectives
   * @param now Unix milliseconds
   */
  logChanges(unreadable: ReadonlyMap<string, string>, total: number, now: number): void {
    const unlogged = [...unreadable].filter(([objective]) => !this.#quietUntil.has(objective));
    const [first] = unlogged;
    if (first !== undefined) {
      const [objective, because] = first;
      this.#log.warn(this.#texts.started, { objectives: unreadable.size, of: total, objective, because });
    }
    if (unreadable.size === 0 && this.#quietUntil.size > 0) {
      this.#log.info(this.#texts.ended);
      this.#quietUntil.clear();
    }
    for (const objective of unreadable.keys()) this.#quietUntil.set(objective, now + QUIET_MS);
    for (const [objective, until] of this.#quietUntil) if (until <= now) this.#quietUntil.delete(objective);
  }
}
