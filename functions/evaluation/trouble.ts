import type { Log } from '../../domain/ports.ts';

/** What was told is not told again for so long after it was over, so that what comes and goes is not told each time. */
const QUIET_MS = 10 * 60_000;

/** How a trouble is told of, when it begins and when it is over. */
export type TroubleWords = { begins: string; over: string };

/** What cannot be read of objectives: told when it begins, not each minute of it, and when all can be read again. */
export class Trouble {
  readonly #log: Log;
  readonly #words: TroubleWords;
  /** By what has the trouble: until when it is not told again. */
  readonly #told = new Map<string, number>();

  constructor(log: Log, words: TroubleWords) {
    this.#log = log;
    this.#words = words;
  }

  /**
   * @param silent all that cannot be read now, and why
   * @param of how many there are
   * @param now milliseconds
   */
  tell(silent: ReadonlyMap<string, string>, of: number, now: number): void {
    const news = [...silent].filter(([who]) => !this.#told.has(who));
    const [first] = news;
    if (first !== undefined) {
      const [objective, because] = first;
      this.#log.warn(this.#words.begins, { objectives: silent.size, of, objective, because });
    }
    if (silent.size === 0 && this.#told.size > 0) {
      this.#log.info(this.#words.over);
      this.#told.clear();
    }
    for (const who of silent.keys()) this.#told.set(who, now + QUIET_MS);
    for (const [who, until] of this.#told) if (until <= now) this.#told.delete(who);
  }
}
