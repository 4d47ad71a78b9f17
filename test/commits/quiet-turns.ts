/** Milliseconds between two turns. */
export const TURN_MS = 10;

/** Turns before nothing else is expected to happen. */
const QUIET_TURNS = 15;

/** Share of a turn for which the event loop is busy at most, if nothing happens in it. */
const QUIET_UTILIZATION = 0.5;

/**
 * Turns of the event loop in which nothing happened: nothing was awaited, and the loop had nothing to do. So a busy machine
 * needs longer, and has the same rounds.
 */
export class QuietTurns {
  #turns = 0;
  #before = performance.eventLoopUtilization();

  /** Starts to count again. */
  reset(): void {
    this.#turns = 0;
  }

  /** Counts the last turn. Call it every {@link TURN_MS}. @returns whether nothing else happens */
  areOver(isAwaited: boolean): boolean {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#before);
    this.#before = now;
    this.#turns = isAwaited || utilization > QUIET_UTILIZATION ? 0 : this.#turns + 1;
    return this.#turns >= QUIET_TURNS;
  }
}
